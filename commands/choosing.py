"""Which model makes what is asked for: the one named, the style's, or the first that can."""

from __future__ import annotations

from commands.catalogue import MODELS, MODELS_BY_ID, STYLES_BY_ID, Model
from commands.requests import EditRequest, InvalidRequest, Request, kind_of


def chosen_model(request: Request, default: str, providers: frozenset[str]) -> Model:
    """The model that will make it: the one that is named, or the first that can.

    Args:
        request: names a model or leaves it open.
        default: what is taken when it is left open, if it makes such requests.
        providers: the ones that are configured.

    Raises:
        InvalidRequest: no such model, or one that does not make this kind, size or quality.
    """
    kind = kind_of(request)
    if request.model is None:
        model = _best(request, kind, default, providers)
    else:
        named = MODELS_BY_ID.get(request.model)
        if named is None or not named.supplies(providers):
            raise InvalidRequest("model", "is not one of GET /models")
        model = named
        if kind not in model.capabilities:
            raise InvalidRequest("model", f"does not make the kind {kind}; see GET /models")
    if request.size is not None and request.size not in model.sizes:
        raise InvalidRequest("size", f"must be one of {', '.join(model.sizes)}")
    credits_by_quality = model.credits_for(kind)
    if request.quality not in credits_by_quality:
        raise InvalidRequest("quality", f"must be one of {', '.join(credits_by_quality)}")
    if kind != "image" and request.count > model.from_photos_max:
        raise InvalidRequest("count", f"can be at most {model.from_photos_max} for {model.id}")
    if isinstance(request, EditRequest):
        _refuse_photos(request, model)
    return model


def _best(request: Request, kind: str, default: str, providers: frozenset[str]) -> Model:
    """What the style names, if it makes just this; else the default, else the first that can."""
    named = STYLES_BY_ID[request.style_id].model
    if named is not None and _makes_just(MODELS_BY_ID[named], request, kind, providers):
        return MODELS_BY_ID[named]
    offered = [MODELS_BY_ID[default], *(one for one in MODELS if one.id != default)]
    model = next((one for one in offered if _makes(one, kind, providers)), None)
    if model is None:
        raise InvalidRequest("kind", f"cannot be {kind} here: no model makes it")
    return model


def _makes(model: Model, kind: str, providers: frozenset[str]) -> bool:
    return kind in model.capabilities and bool(model.supplies(providers))


def _makes_just(model: Model, request: Request, kind: str, providers: frozenset[str]) -> bool:
    size = model.sizes[0] if request.size is None else request.size
    if kind != "image" and request.count > model.from_photos_max:
        return False
    if size not in model.sizes or request.quality not in model.credits_for(kind):
        return False
    return any(one.provider in providers for one in model.makers(kind, size, request.quality))


def _refuse_photos(request: EditRequest, model: Model) -> None:
    if len(request.upload_ids) > model.photos_max:
        raise InvalidRequest(
            "upload_ids", f"can name at most {model.photos_max} for the model {model.id}"
        )
    if request.mask_upload_id is not None and not model.masks:
        raise InvalidRequest("mask_upload_id", f"is of no use to the model {model.id}; leave it")
