"""The usual stack for this job, as its own documentation says to build it.

FastAPI on uvicorn (uvloop, httptools, one process), SQLAlchemy 2 on asyncpg, a Redis list as the
queue and Redis pub/sub for live updates. It decides synchronously, in one database transaction.

It does less than Pixelpop, which makes it faster, not slower: prompts are stored in clear, there
is no moderation, no rate limit, no hash chain, no expiry of credits, no deadline, and a job that
was popped by a worker that then dies is lost.
"""
