"""Claims about what a picture's file says of it."""

from __future__ import annotations

from io import BytesIO

import c2pa
import msgspec
import pytest
from msgspec.structs import replace
from PIL import Image, PngImagePlugin

from processors.images import prepare_now
from processors.pictures.credentials import Signer, open_signer
from processors.pictures.finishing import Finishing
from processors.pictures.notes import Notes, _chunk, annotated, has_chunk, notes_in
from processors.providers import drawing
from runtime.errors import SettingsError
from runtime.settings import Settings
from tests.unit.worker.certificates import chain

NOTES = Notes(
    kind="image",
    model="flux",
    provider="replicate",
    style_id="poster",
    size="640x480",
    quality="standard",
    seed=42,
    index=1,
)


def as_sent(**texts: str) -> bytes:
    """As a provider sends a picture, with texts of its own."""
    info = PngImagePlugin.PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    picture = Image.open(BytesIO(drawing.draw(3, "photo", (640, 480), "standard")))
    exif = Image.Exif()
    exif[0x010E] = "the whole prompt again"
    out = BytesIO()
    picture.save(out, "PNG", pnginfo=info, exif=exif, dpi=(72, 72))
    return out.getvalue()


def pixels(png: bytes) -> bytes:
    return Image.open(BytesIO(png)).convert("RGB").tobytes()


def test_a_file_says_how_it_was_made() -> None:
    """The settings stand in it as JSON, and that a model made it in IPTC's words; no prompt."""
    png = as_sent()
    made = annotated(png, NOTES)
    notes = notes_in(made)
    assert msgspec.json.decode(notes["pixelpop"]) == {
        "kind": "image",
        "model": "flux",
        "provider": "replicate",
        "style_id": "poster",
        "size": "640x480",
        "quality": "standard",
        "seed": 42,
        "index": 1,
    }
    assert "/trainedAlgorithmicMedia" in notes["XML:com.adobe.xmp"]
    assert notes["Software"] == "Pixelpop"
    assert "Description" not in notes
    assert pixels(made) == pixels(png)
    Image.open(BytesIO(made)).verify()


def test_a_prompt_stands_there_only_if_wanted() -> None:
    """Whoever wants it in the file finds it there, in any script."""
    made = annotated(as_sent(), replace(NOTES, prompt="маяк в тумане 🌫"))
    assert notes_in(made)["Description"] == "маяк в тумане 🌫"
    assert "маяк" not in repr(replace(NOTES, prompt="маяк в тумане"))


def test_what_a_provider_wrote_there_goes() -> None:
    """Prompts in text chunks and EXIF, and what hangs behind the end, are not passed on."""
    sent = as_sent(parameters="a secret prompt", workflow="{}") + b"a secret prompt"
    made = annotated(sent, NOTES)
    assert b"secret" not in made
    assert b"whole prompt" not in made
    assert not has_chunk(made, b"eXIf")
    assert has_chunk(made, b"pHYs")


@pytest.mark.parametrize(
    ("provider", "kind", "source"),
    [
        ("local", "image", "algorithmicMedia"),
        ("openai", "image", "trainedAlgorithmicMedia"),
        ("openai", "edit", "compositeWithTrainedAlgorithmicMedia"),
    ],
)
def test_the_source_is_named_rightly(provider: str, kind: str, source: str) -> None:
    """What a program drew is told from what a model made, and that from a photo it changed."""
    assert replace(NOTES, provider=provider, kind=kind).source == source


def test_the_last_touch() -> None:
    """Each picture gets its own notes; a provider's own credentials stay where we have none."""
    finish = Finishing(NOTES, None)
    made = finish(3, as_sent())
    assert msgspec.json.decode(notes_in(made)["pixelpop"])["index"] == 3
    plain = BytesIO()
    Image.new("RGB", (8, 8)).save(plain, "PNG")
    end = plain.getvalue().index(b"IEND") - 4
    stated = plain.getvalue()[:end] + _chunk(b"caBX", b"stated") + plain.getvalue()[end:]
    assert finish(0, stated) == stated
    telling = stated[:end] + _chunk(b"tEXt", b"parameters\0a prompt") + stated[end:]
    assert not has_chunk(finish(0, telling), b"caBX")
    assert b"a prompt" not in finish(0, telling)


@pytest.mark.parametrize("cut", [0, 4, 20, 60, -13])
def test_what_is_no_whole_png_is_refused(cut: int) -> None:
    """A torn file is not made to look whole."""
    with pytest.raises(ValueError, match="PNG"):
        annotated(as_sent()[:cut], NOTES)


def test_the_previews_carry_none_of_it() -> None:
    """Previews are of the pixels alone."""
    secret = replace(NOTES, prompt="a secret prompt")
    prepared = prepare_now(as_sent(), finish=lambda png: annotated(png, secret))
    assert b"secret" in prepared.original
    for data in (prepared.preview, *(one.data for one in prepared.previews)):
        assert b"secret" not in data
        assert b"pixelpop" not in data.lower()


def read_back(png: bytes) -> dict:
    """The file's credentials as another program reads them."""
    with c2pa.Reader("image/png", BytesIO(png)) as reader:
        return dict(msgspec.json.decode(reader.json()))


def active(found: dict) -> dict:
    return dict(found["manifests"][found["active_manifest"]])


def failures(found: dict) -> set[str]:
    """What its check found wrong, but that nobody trusts a root that was made a moment ago."""
    results = found["validation_results"]["activeManifest"]["failure"]
    return {one["code"] for one in results} - {"signingCredential.untrusted"}


def test_credentials_are_read_back() -> None:
    """A signed picture names Pixelpop, the model and the source, and its signature holds."""
    made = chain()
    signer = Signer(made.certificates, made.private_key)
    png = annotated(as_sent(), NOTES)
    signed = signer.signed(png, NOTES)
    found = read_back(signed)
    manifest = active(found)
    assert manifest["claim_generator_info"][0]["name"] == "Pixelpop"
    assert manifest["signature_info"]["issuer"] == "Pixelpop tests"
    (actions,) = [
        one["data"]["actions"]
        for one in manifest["assertions"]
        if one["label"].startswith("c2pa.actions")
    ]
    assert actions[0]["action"] == "c2pa.created"
    assert actions[0]["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert actions[0]["softwareAgent"]["name"] == "flux"
    assert failures(found) == set()
    assert pixels(signed) == pixels(png)
    assert notes_in(signed)["Software"] == "Pixelpop"


def test_a_changed_picture_does_not_keep_its_word() -> None:
    """Who changes a byte of the pixels breaks the statement about them."""
    made = chain()
    signed = bytearray(Signer(made.certificates, made.private_key).signed(as_sent(), NOTES))
    at = signed.rindex(b"IDAT") + 40
    signed[at] ^= 1
    assert "assertion.dataHash.mismatch" in failures(read_back(bytes(signed)))


def test_what_the_provider_stated_is_kept() -> None:
    """Credentials that a picture came with stand behind ours as its ingredient."""
    theirs, ours = chain(), chain()
    sent = Signer(theirs.certificates, theirs.private_key).signed(as_sent(), NOTES)
    png = annotated(sent, NOTES)
    assert not has_chunk(png, b"caBX")
    signed = Signer(ours.certificates, ours.private_key).signed(png, NOTES, before=sent)
    found = read_back(signed)
    (ingredient,) = active(found)["ingredients"]
    assert ingredient["active_manifest"] in found["manifests"]
    assert failures(found) == set()


def test_an_unusable_certificate_stops_the_start(tmp_path) -> None:
    """What is not a certificate, not its key, or over, is told at the start, not at a picture."""
    good, over = chain(), chain(days=-10)
    for certificates, key, why in (
        (b"no certificate", good.private_key, "PEM"),
        (good.certificates, chain().private_key, "not that certificate's key"),
        (over.certificates, over.private_key, "ended"),
    ):
        with pytest.raises(SettingsError, match=why):
            Signer(certificates, key)
    missing = Settings(
        c2pa_certificate_file=tmp_path / "none.pem", c2pa_private_key_file=tmp_path / "key.pem"
    )
    with pytest.raises(SettingsError, match="cannot be read"):
        open_signer(missing)
    with pytest.raises(SettingsError, match="KEY_FILE is not"):
        open_signer(Settings(c2pa_certificate_file=tmp_path / "none.pem"))
    assert open_signer(Settings()) is None
