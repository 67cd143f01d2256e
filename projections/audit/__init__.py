"""The books, compared with what others say of them."""
