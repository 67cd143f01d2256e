"""Jobs that are paid for, under providers that fail and workers that are killed and paused.

A real `pixelpop up`; stand-ins for two image APIs, of which one can be asked again what became of a
request: each fails one call in five, loses one answer in twenty, keeps one call in ten waiting, and
charges for each request; people who ask for pictures from words, of photos, like others, and
several at once. Whenever so many more jobs are under way, the next worker is killed or paused. In
the end every job has one end, everybody was charged for what they got, and every charge of the
providers' is on our books.

    python -m tests.chaos.paid --jobs 500
"""
