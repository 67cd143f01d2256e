"""What the gateway measures about itself; the first two carry the service's objectives."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

DONE_SECONDS = Histogram(
    "pixelpop_generation_done_seconds",
    "From the append of a request to the append of its pictures, by the broker's clock. "
    "Objective: p95.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 45, 60, 90, 120, 180, 300, 600),
)
ANSWERS = Counter(
    "pixelpop_gateway_answers",
    "Answers by class. Objective: the share that is no server error.",
    ["outcome"],
)
ANSWERED_WELL = ANSWERS.labels("ok")
ANSWERED_REFUSED = ANSWERS.labels("client_error")
ANSWERED_BADLY = ANSWERS.labels("server_error")
REQUEST_SECONDS = Histogram(
    "pixelpop_gateway_request_seconds",
    "From the first byte of a request to the end of its answer; event streams are not in it.",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
IN_FLIGHT = Gauge("pixelpop_gateway_requests_in_flight", "Requests under way.")
STREAMS = Gauge("pixelpop_gateway_streams", "Open event streams.")
STREAMS_CUT = Counter(
    "pixelpop_gateway_streams_cut", "Event streams closed because their reader was too slow."
)
TAIL_UNREADABLE = Counter(
    "pixelpop_gateway_tail_unreadable", "Log records that the gateway's tail could not read."
)
TAIL_RESTARTS = Counter("pixelpop_gateway_tail_restarts", "Times that the tail began anew.")
DECISION_SECONDS = Histogram(
    "pixelpop_gateway_decision_seconds",
    "From a request's arrival to its decision, where one came in time.",
    buckets=(0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
UNDECIDED = Counter(
    "pixelpop_gateway_undecided", "Requests answered before their decision, for it took too long."
)
LIMITED = Counter(
    "pixelpop_gateway_limited", "Requests refused because a limit was met, by its name.", ["limit"]
)
LIMITS_STORE_UP = Gauge(
    "pixelpop_gateway_limits_store_up", "Whether the shared store of limits answers; 0 without one."
)
UPLOADS = Counter(
    "pixelpop_gateway_uploads", "Photos that came in, by what became of them.", ["outcome"]
)
DECODERS_ENDED = Counter(
    "pixelpop_gateway_upload_decoders_ended",
    "Processes that ended over a photo, by why: crash or time.",
    ["why"],
)
TELEGRAM_UPDATES = Counter(
    "pixelpop_gateway_telegram_updates",
    "Updates that Telegram sent, by kind and by what became of them.",
    ["kind", "outcome"],
)
TELEGRAM_REFUSED = Counter(
    "pixelpop_gateway_telegram_refused", "Webhook requests without the secret, or with a wrong one."
)
STRIPE_EVENTS = Counter(
    "pixelpop_gateway_stripe_events",
    "Events that Stripe sent, by type and by what became of them.",
    ["type", "outcome"],
)
STRIPE_REFUSED = Counter(
    "pixelpop_gateway_stripe_refused", "Messages to Stripe's webhook that Stripe did not sign."
)
PAYMENT_FINDINGS = Counter(
    "pixelpop_gateway_payment_findings",
    "Payments that were told and are not as they must be, by provider and kind.",
    ["provider", "kind"],
)
GRANTS_TOLD = Counter(
    "pixelpop_gateway_grants_told", "Referrals and gifts that the log was told of.", ["about"]
)
GRANTS_FAILED = Counter(
    "pixelpop_gateway_grants_failed", "Looks at grants that failed and are taken again.", ["about"]
)
REPLAYED = Counter("pixelpop_gateway_replayed", "Requests that repeated an earlier one.")
SPEND_TODAY = Gauge(
    "pixelpop_gateway_spend_today_usd",
    "What a provider (or `all`) cost today (UTC), uncertain calls included.",
    ["provider"],
)
SPEND_CEILING = Gauge(
    "pixelpop_gateway_spend_ceiling_usd", "What it may cost in a day.", ["provider"]
)
SPEND_ALERT = Gauge(
    "pixelpop_gateway_spend_alert",
    "1 from 80 % of its ceiling on: somebody should look.",
    ["provider"],
)
UNDRAWN = Gauge(
    "pixelpop_gateway_provider_undrawn",
    "1 while no running worker draws with a provider that is offered here: look at its settings.",
    ["provider"],
)
