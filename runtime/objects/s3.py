"""Object storage over the S3 API, by aioboto3."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aioboto3
from aiohttp import ClientError as HttpError
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as ConnectError

from runtime.errors import SettingsError
from runtime.objects.access import encryption, encryption_fields, find_credentials
from runtime.objects.client import make_client
from runtime.objects.presigning import signed_address
from runtime.objects.store import (
    LIST_KEYS_MAX,
    Form,
    Head,
    ObjectsRefused,
    ObjectsUnavailable,
    ObjectTooLarge,
    Stored,
    as_file,
)
from runtime.settings import Settings

_PRESIGN_SECONDS_MAX = 604_800  # what SigV4 allows
_PUT_CONFLICTS_MAX = 5
_CONFLICT_WAIT_SECONDS = 0.05
_SERVER_ERROR = 500
_ANY_TYPE = "application/octet-stream"
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_PASSING = frozenset({"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException"})
_UNSUPPORTED = frozenset({"NotImplemented", "MethodNotAllowed", "501"})
_TAKEN = frozenset({"PreconditionFailed", "412"})
_CONFLICT = frozenset({"ConditionalRequestConflict", "409"})
_PASSING_ERRORS = (ConnectError, HTTPClientError, IncompleteReadError, HttpError, OSError)
_OWNED = frozenset({"BucketAlreadyOwnedByYou"})


@asynccontextmanager
async def open_objects(settings: Settings) -> AsyncIterator[S3Objects]:
    """Open the object store of these settings and close it at the end; sends nothing by itself.

    Raises:
        SettingsError: no endpoint is set.
    """
    if settings.s3_endpoint_url is None:
        raise SettingsError("S3_ENDPOINT_URL is not set.")
    public_url = settings.s3_public_endpoint_url or settings.s3_endpoint_url
    session = aioboto3.Session()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            make_client(session, settings, settings.s3_endpoint_url)
        )
        public = client
        if public_url != settings.s3_endpoint_url:
            public = await stack.enter_async_context(make_client(session, settings, public_url))
        yield S3Objects(client, public, settings, await find_credentials(session, settings))


class S3Objects:
    """An `ObjectStore` in one bucket; made by `open_objects`.

    Each request is tried `s3_attempts` times; a whole call ends after `s3_call_timeout_seconds`.
    """

    def __init__(self, client: Any, public: Any, settings: Settings, credentials: Any) -> None:
        self._client = client
        self._credentials = credentials
        self._public_url = settings.s3_public_endpoint_url or settings.s3_endpoint_url or ""
        self._encrypted = encryption(settings)
        self._public = public
        self._bucket = settings.s3_bucket
        self._region = settings.s3_region
        self._timeout_seconds = settings.s3_call_timeout_seconds
        self._bytes_max = settings.s3_object_bytes_max

    async def put_if_absent(self, key: str, data: bytes, content_type: str) -> bool:
        """See `ObjectStore`."""
        self._check_size(key, len(data))
        wanted = {"Key": key, "Body": data, "ContentType": content_type, "IfNoneMatch": "*"}
        wanted |= self._encrypted
        for attempt in range(_PUT_CONFLICTS_MAX):
            try:
                await self._ask("put_object", **wanted)
            except ObjectsRefused as refused:
                if refused.reason in _TAKEN:
                    return False
                if refused.reason not in _CONFLICT:
                    raise
                # Another writer is at it: who wins is known in a moment.
                await asyncio.sleep(_CONFLICT_WAIT_SECONDS * 2**attempt)
            else:
                return True
        raise ObjectsUnavailable(f"Object storage could not put {key}: others keep writing it.")

    async def get(self, key: str) -> bytes | None:
        """See `ObjectStore`."""
        stored = await self.read(key, self._bytes_max)
        return None if stored is None else stored.data

    async def read(self, key: str, bytes_max: int) -> Stored | None:
        """See `ObjectStore`; one answer is one version of the object, whoever writes meanwhile."""
        try:
            async with self._bounded("get_object", key):
                answer = await self._client.get_object(Bucket=self._bucket, Key=key)
                size_bytes: int = answer["ContentLength"]
                async with answer["Body"] as body:
                    self._check_size(key, size_bytes, bytes_max)
                    data: bytes = await body.read()
        except ObjectsRefused as refused:
            if refused.reason not in _ABSENT:
                raise
            return None
        if len(data) != size_bytes:
            raise ObjectsUnavailable(f"Object storage cut {key} short.")
        content_type = answer.get("ContentType", _ANY_TYPE)
        return Stored(data=data, content_type=content_type, etag=answer.get("ETag", ""))

    async def head(self, key: str) -> Head | None:
        """See `ObjectStore`."""
        try:
            answer = await self._ask("head_object", Key=key)
        except ObjectsRefused as refused:
            if refused.reason not in _ABSENT:
                raise
            return None
        return Head(
            size_bytes=answer["ContentLength"],
            content_type=answer.get("ContentType", _ANY_TYPE),
            etag=answer["ETag"],
        )

    async def delete(self, key: str) -> None:
        """See `ObjectStore`."""
        async for found in self._versions(key):
            # The prefix of a listing also finds longer keys.
            await self._delete([one for one in found if one["Key"] == key])

    async def delete_prefix(self, prefix: str) -> int:
        """See `ObjectStore`."""
        if not prefix:
            raise ValueError("An empty prefix would delete everything.")
        keys: set[str] = set()
        async for found in self._versions(prefix):
            await self._delete(found)
            keys.update(one["Key"] for one in found)
        return len(keys)

    async def list(self, prefix: str) -> builtins.list[str]:
        """See `ObjectStore`."""
        keys: builtins.list[str] = []
        async for page in self._pages("list_objects_v2", prefix):
            keys += [entry["Key"] for entry in page.get("Contents", ())]
            if len(keys) > LIST_KEYS_MAX:
                raise ObjectsRefused(f"More than {LIST_KEYS_MAX} objects begin with {prefix}.")
        return sorted(keys, key=lambda key: key.encode("utf-8"))

    async def presign_get(
        self, key: str, expires_seconds: int, *, file_name: str | None = None
    ) -> str:
        """See `ObjectStore`; the address is below `s3_public_endpoint_url`."""
        _check_term(expires_seconds)
        saved = {} if file_name is None else {"response-content-disposition": as_file(file_name)}
        return signed_address(
            self._public_url,
            f"{self._bucket}/{key}",
            await self._credentials(),
            region=self._region,
            at=datetime.now(UTC),
            expires_seconds=expires_seconds,
            parameters=saved,
        )

    async def presign_post(
        self, key: str, content_type: str, bytes_max: int, expires_seconds: int
    ) -> Form:
        """See `ObjectStore`; the address is below `s3_public_endpoint_url`."""
        _check_term(expires_seconds)
        fields = {"Content-Type": content_type} | encryption_fields(self._encrypted)
        form: dict[str, Any] = await self._public.generate_presigned_post(
            self._bucket,
            # boto3 lets `${filename}` in a key stand for the file's name; ours have none.
            key,
            Fields=fields,
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", 1, bytes_max],
            ],
            ExpiresIn=expires_seconds,
        )
        return Form(form["url"], form["fields"])

    async def ensure_bucket(self) -> None:
        """See `ObjectStore`."""
        try:
            await self._ask("head_bucket")
        except ObjectsRefused as refused:
            if refused.reason not in _ABSENT:
                raise
        else:
            return
        where = {}
        if self._region != "us-east-1":  # which the API wants left out
            where = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        try:
            await self._ask("create_bucket", **where)
        except ObjectsRefused as refused:
            if refused.reason not in _OWNED:  # another process was faster
                raise

    async def _versions(self, prefix: str) -> AsyncIterator[builtins.list[dict[str, str]]]:
        """Pages of everything stored below the prefix, deletion marks included."""
        try:
            async for page in self._pages("list_object_versions", prefix):
                entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                yield [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in entries]
        except ObjectsRefused as refused:
            if refused.reason not in _UNSUPPORTED:
                raise
            # A store without versions: what a listing shows is all there is.
            async for page in self._pages("list_objects_v2", prefix):
                yield [{"Key": one["Key"]} for one in page.get("Contents", ())]

    async def _pages(self, operation: str, prefix: str) -> AsyncIterator[dict[str, Any]]:
        marks: dict[str, Any] = {}
        while True:
            page = await self._ask(operation, Prefix=prefix, **marks)
            yield page
            if not page.get("IsTruncated"):
                return
            marks = {
                name: page[f"Next{name}"]
                for name in ("ContinuationToken", "KeyMarker", "VersionIdMarker")
                if page.get(f"Next{name}")
            }

    async def _delete(self, versions: builtins.list[dict[str, str]]) -> None:
        if not versions:
            return
        answer = await self._ask("delete_objects", Delete={"Objects": versions, "Quiet": True})
        for error in answer.get("Errors", ()):
            if error.get("Code") not in _ABSENT:
                raise ObjectsUnavailable(
                    f"Object storage could not delete {error.get('Key')}: {error.get('Code')}."
                )

    def _check_size(self, key: str, size_bytes: int, bytes_max: int | None = None) -> None:
        most = self._bytes_max if bytes_max is None else bytes_max
        if size_bytes > most:
            raise ObjectTooLarge(f"{key} has {size_bytes} bytes; at most {most} may be.")

    async def _ask(self, operation: str, **wanted: Any) -> dict[str, Any]:
        async with self._bounded(operation, wanted.get("Key") or wanted.get("Prefix") or "bucket"):
            answer: dict[str, Any] = await getattr(self._client, operation)(
                Bucket=self._bucket, **wanted
            )
            return answer

    @asynccontextmanager
    async def _bounded(self, operation: str, what: str) -> AsyncIterator[None]:
        """End the call in time, and say what went wrong in our terms."""
        doing = f"Object storage could not {operation.replace('_', ' ')} {what}"
        try:
            async with asyncio.timeout(self._timeout_seconds):
                yield
        except ClientError as error:
            raise _translated(doing, error) from error
        except _PASSING_ERRORS as error:
            raise ObjectsUnavailable(f"{doing}: {str(error) or type(error).__name__}.") from error
        except BotoCoreError as error:
            raise ObjectsRefused(f"{doing}: {error}.", reason=type(error).__name__) from error


def _check_term(expires_seconds: int) -> None:
    if not 1 <= expires_seconds <= _PRESIGN_SECONDS_MAX:
        raise ValueError(f"An address is good for 1 to {_PRESIGN_SECONDS_MAX} seconds.")


def _translated(doing: str, error: ClientError) -> ObjectsRefused | ObjectsUnavailable:
    reason = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    broken = status >= _SERVER_ERROR and reason not in _UNSUPPORTED
    if broken or reason in _PASSING:
        return ObjectsUnavailable(f"{doing}: {reason}.")
    return ObjectsRefused(f"{doing}: {reason}.", reason=reason)
