"""Requests and answers as HTTP has them: bounds, headers, problem documents, pages of lists."""
