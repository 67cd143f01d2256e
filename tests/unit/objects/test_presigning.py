"""Claims about signed addresses: what is signed is what Amazon's own library signs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from runtime.objects.presigning import signed_address
from runtime.objects.store import as_file

AT = datetime(2026, 11, 21, 20, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize("token", [None, "session+/="])
@pytest.mark.parametrize("endpoint", ["https://s3.example.org", "http://127.0.0.1:9000"])
@pytest.mark.parametrize("file_name", [None, "pixelpop-1.png"])
def test_as_botocore_signs(
    monkeypatch: pytest.MonkeyPatch, token: str | None, endpoint: str, file_name: str | None
) -> None:
    """The same object, credentials and instant give the same signature."""
    credentials = ReadOnlyCredentials("AKID", "secret", token)
    path = "pixelpop/generations/ü +&~/0.png"
    more = {} if file_name is None else {"response-content-disposition": as_file(file_name)}
    mine = signed_address(
        endpoint,
        path,
        credentials,
        region="eu-central-1",
        at=AT,
        expires_seconds=86_400,
        parameters=more,
    )
    from urllib.parse import quote, urlencode

    monkeypatch.setattr(auth, "get_current_datetime", lambda: AT.replace(tzinfo=None))
    url = f"{endpoint}/{quote(path)}" + (f"?{urlencode(more, quote_via=quote)}" if more else "")
    request = AWSRequest("GET", url)
    auth.S3SigV4QueryAuth(credentials, "s3", "eu-central-1", 86_400).add_auth(request)
    parts = dict(one.split("=") for one in request.url.partition("?")[2].split("&"))
    ours = dict(one.split("=") for one in mine.partition("?")[2].split("&"))
    assert ours == parts
    assert mine.startswith(f"{endpoint}/pixelpop/generations/%C3%BC%20%2B%26~/0.png?")


@pytest.mark.parametrize("name", ["", "a/b", 'a"; x="', "ä.png", "a\r\nb", "x" * 101])
def test_only_plain_file_names(name: str) -> None:
    """Nothing gets into a header that could end it."""
    with pytest.raises(ValueError, match="file name"):
        as_file(name)
