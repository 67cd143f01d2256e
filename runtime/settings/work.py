"""Decider, projector, worker and the models that make images."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.diffusers import Diffusers


class Work(Diffusers, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decider, projector, worker and the models that make images."""

    # The decider.
    decider_snapshot_every_records: Annotated[
        int,
        about(
            "How many records of a partition are folded between two snapshots of it.",
            unit="records",
            ge=100,
        ),
    ] = 200_000

    # Projections.
    projection_batch_events: Annotated[
        int, about("Events that a projector folds into one transaction.", ge=1, le=100_000)
    ] = 5_000
    projection_cache_accounts: Annotated[
        int,
        about("Folded accounts that a projector keeps in memory, 2 KB each.", ge=1, le=1_000_000),
    ] = 20_000
    projection_fetch_wait_ms: Annotated[
        int,
        about("How long the brokers wait for more before they answer.", unit="ms", ge=1, le=5_000),
    ] = 50

    # Image models.
    openai_api_key: Annotated[
        str | None, about("Switches the provider `openai` on.", env="OPENAI_API_KEY", secret=True)
    ] = None
    openai_base_url: Annotated[
        str | None, about("Another address of the OpenAI API.", env="OPENAI_BASE_URL")
    ] = None
    openai_image_model: Annotated[
        str, about("The OpenAI image model.", env="OPENAI_IMAGE_MODEL")
    ] = "gpt-image-1.5"
    openai_partial_images: Annotated[
        Annotated[int, Meta(ge=0, le=3)] | None,
        about(
            "Unfinished pictures that are shown while one is made; unset: 2 at OpenAI's own "
            "address, none at another.",
            env="OPENAI_PARTIAL_IMAGES",
        ),
    ] = None
    replicate_api_token: Annotated[
        str | None,
        about("Switches the provider `replicate` on.", env="REPLICATE_API_TOKEN", secret=True),
    ] = None
    replicate_base_url: Annotated[
        str, about("The address of Replicate's API.", env="REPLICATE_BASE_URL")
    ] = "https://api.replicate.com/v1"
    replicate_model: Annotated[
        str,
        about(
            "The Replicate model, `owner/name` or `owner/name:version`; its inputs are FLUX's.",
            env="REPLICATE_MODEL",
            pattern="^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+(:[0-9a-f]{64})?$",
        ),
    ] = "black-forest-labs/flux-schnell"
    replicate_edit_model: Annotated[
        str,
        about(
            "The Replicate model that changes photos; its inputs are FLUX Kontext's.",
            env="REPLICATE_EDIT_MODEL",
            pattern="^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+(:[0-9a-f]{64})?$",
        ),
    ] = "black-forest-labs/flux-kontext-pro"
    replicate_inputs: Annotated[
        str,
        about(
            "Further inputs of that model, as a JSON object: a LoRA's weights, for example; null "
            "takes away one that it does not know.",
            env="REPLICATE_INPUTS",
        ),
    ] = "{}"
    replicate_timeout_seconds: Annotated[
        float,
        about("How long one prediction may take.", env="REPLICATE_TIMEOUT_SECONDS", unit="s", gt=0),
    ] = 90.0
    replicate_webhook_secrets: Annotated[
        str,
        about(
            "What Replicate signs webhooks with, `whsec_…`, with commas while one replaces "
            "another; with PIXELPOP_PUBLIC_URL it spares polling.",
            env="REPLICATE_WEBHOOK_SECRETS",
            secret=True,
        ),
    ] = ""
    provider_allowed_networks: Annotated[
        str,
        about("Private networks, `10.0.0.0/8,…`, from which providers may deliver pictures."),
    ] = ""
    provider_picture_bytes_max: Annotated[
        int,
        about("The largest picture fetched from a provider.", unit="B", ge=1024, le=50_000_000),
    ] = 33_554_432
    provider_timeout_seconds: Annotated[
        float, about("How long one provider call may take.", unit="s", gt=0, le=900)
    ] = 180.0
    local_latency_seconds: Annotated[
        float, about("How long the provider `local` pretends to think.", unit="s", ge=0, le=600)
    ] = 1.0
    provider_attempts: Annotated[
        int,
        about("How often a call that surely cost nothing is tried in all.", ge=1, le=10),
    ] = 3
    provider_backoff_seconds_max: Annotated[
        float,
        about("The longest pause before such a call is tried again.", unit="s", ge=0, le=300),
    ] = 30.0
    local_render: Annotated[
        Literal["picture", "flat"],
        about("What the provider `local` draws; `flat`: one colour, at next to no cost."),
    ] = "picture"

    # The worker.
    objects: Annotated[
        Literal["s3", "memory"],
        about("Where pictures go; `memory` forgets them and is for benchmarks, embedded only."),
    ] = "s3"
    worker_group: Annotated[
        str,
        about(
            "The consumer group that spreads jobs over the workers; another one reads them anew.",
            pattern="^[a-z0-9-]{1,100}$",
        ),
    ] = "pixelpop-worker"
    worker_jobs: Annotated[
        int, about("Jobs that one worker performs at once.", unit="jobs", ge=1, le=1000)
    ] = 100
    jobs_in_flight_max: Annotated[
        int,
        about(
            "Jobs that all workers together perform at once; what is beyond that waits in line.",
            unit="jobs",
            ge=1,
            le=100_000,
        ),
    ] = 100
    worker_window_records: Annotated[
        int,
        about(
            "Jobs of one partition between the oldest unfinished and the newest taken.",
            unit="records",
            ge=1,
            le=100_000,
        ),
    ] = 1024
    worker_image_threads: Annotated[
        int,
        about("Threads that draw, check and shrink pictures.", unit="threads", ge=1, le=64),
    ] = 2
    worker_lease_seconds: Annotated[
        float,
        about("How long a claim outlives a worker that stops renewing it.", unit="s", ge=1, le=300),
    ] = 12.0
    worker_retry_seconds: Annotated[
        float,
        about(
            "How long one step of a job is tried while a server is away.", unit="s", ge=0, le=600
        ),
    ] = 60.0
    worker_commit_seconds: Annotated[
        float, about("How often finished jobs are committed.", unit="s", ge=0.05, le=60)
    ] = 1.0
    worker_drain_seconds: Annotated[
        float, about("How long a stop waits for jobs under way.", unit="s", ge=0, le=900)
    ] = 20.0
    worker_stuck_seconds: Annotated[
        float,
        about(
            "How long jobs may wait while none is finished before the worker starts anew.",
            unit="s",
            ge=1,
            le=86_400,
        ),
    ] = 480.0
