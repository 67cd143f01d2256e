"""Content credentials (https://c2pa.org): a signed statement in the file of what made it.

Signed with the operator's certificate, and off without one. The library is an extra
(`pip install pixelpop[credentials]`), because it is as large as a third of everything else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from processors.pictures.notes import SOURCES, Notes, has_chunk
from runtime.errors import PixelpopError, SettingsError
from runtime.settings import Settings

PNG_TYPE: Final = "image/png"
PROVIDERS_OWN: Final = b"caBX"
"""The chunk in which a provider's own credentials come."""
_CURVES: Final = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_NO_LIBRARY: Final = (
    "PIXELPOP_C2PA_CERTIFICATE_FILE is set, and the library that signs is not installed: "
    "pip install 'pixelpop[credentials]'."
)


class NotSigned(PixelpopError):
    """The content credentials of a picture could not be made."""

    code = "not-signed"


class Signer:
    """Signs pictures; safe to use in several threads.

    Args:
        chain: the certificate and those between it and its root, as PEM.
        private_key: of the certificate, as PEM.
        timestamp_url: of an RFC 3161 service that is asked for each picture; None: no timestamps.

    Raises:
        SettingsError: they cannot be used, or not with each other, or not any more.
    """

    def __init__(self, chain: bytes, private_key: bytes, timestamp_url: str | None = None) -> None:
        try:
            import c2pa
        except ImportError as error:
            raise SettingsError(_NO_LIBRARY) from error
        self._c2pa: Any = c2pa
        self._info = c2pa.C2paSignerInfo(
            alg=_algorithm(chain, private_key).encode(),
            sign_cert=chain,
            private_key=private_key,
            ta_url=None if timestamp_url is None else timestamp_url.encode(),
        )
        try:
            c2pa.Signer.from_info(self._info).close()
        except c2pa.C2paError as error:
            raise SettingsError(f"PIXELPOP_C2PA_CERTIFICATE_FILE cannot be used: {error}") from None

    def signed(self, png: bytes, notes: Notes, *, before: bytes | None = None) -> bytes:
        """The PNG with a statement of what made it.

        Args:
            png: to sign.
            notes: how it was made.
            before: as the provider sent it; what it says of itself there is kept as an ingredient.

        Raises:
            NotSigned: it cannot be signed.
        """
        c2pa = self._c2pa
        out = BytesIO()
        try:
            with c2pa.Builder(_manifest(notes)) as builder:
                if before is not None and has_chunk(before, PROVIDERS_OWN):
                    ingredient = {"title": "as the model made it", "relationship": "parentOf"}
                    builder.add_ingredient(ingredient, PNG_TYPE, BytesIO(before))
                with c2pa.Signer.from_info(self._info) as signer:
                    builder.sign(signer, PNG_TYPE, BytesIO(png), out)
        except c2pa.C2paError as error:
            raise NotSigned(f"A picture was not signed: {error}") from error
        return out.getvalue()


def open_signer(settings: Settings) -> Signer | None:
    """The signer that these settings configure; None: pictures are not signed.

    Raises:
        SettingsError: it cannot be used.
    """
    if settings.c2pa_certificate_file is None:
        return None
    if settings.c2pa_private_key_file is None:
        raise SettingsError(
            "PIXELPOP_C2PA_CERTIFICATE_FILE is set and PIXELPOP_C2PA_PRIVATE_KEY_FILE is not."
        )
    return Signer(
        _read(settings.c2pa_certificate_file, "PIXELPOP_C2PA_CERTIFICATE_FILE"),
        _read(settings.c2pa_private_key_file, "PIXELPOP_C2PA_PRIVATE_KEY_FILE"),
        settings.c2pa_timestamp_url,
    )


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{name} names {path}, which cannot be read: {error}.") from error


def _algorithm(chain: bytes, private_key: bytes) -> str:
    """How C2PA names the key's algorithm."""
    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
        key = load_pem_private_key(private_key, None)
    except (ValueError, TypeError, IndexError) as error:
        raise SettingsError(f"The C2PA certificate or key is no plain PEM: {error}.") from None
    if certificate.public_key() != key.public_key():
        raise SettingsError("PIXELPOP_C2PA_PRIVATE_KEY_FILE is not that certificate's key.")
    if certificate.not_valid_after_utc < datetime.now(UTC):
        raise SettingsError(f"The C2PA certificate ended {certificate.not_valid_after_utc:%F}.")
    match key:
        case ec.EllipticCurvePrivateKey() if key.curve.name in _CURVES:
            return _CURVES[key.curve.name]
        case rsa.RSAPrivateKey():
            return "ps256"
        case ed25519.Ed25519PrivateKey():
            return "ed25519"
    raise SettingsError("The C2PA key must be of P-256, P-384, P-521, Ed25519 or RSA.")


def _manifest(notes: Notes) -> dict[str, Any]:
    made = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCES + notes.source,
        "softwareAgent": {"name": notes.model},
    }
    return {
        "claim_generator_info": [{"name": "Pixelpop", "version": "1"}],
        "title": f"Pixelpop {notes.index + 1}",
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [made]}}],
    }
