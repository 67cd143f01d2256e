"""Where somebody may have requests sent to, as far as the text tells."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.outbound.addresses import AddressPolicy
from runtime.outbound.targets import TargetRefused, checked_target

REFUSED = [
    "",
    "/hook",
    "hook.example.com",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://",
    "https://..",
    "https://xn--/",
    "https://xn--.example.com/",
    "https://xn--\u00fc.example.com/",
    "https://localhost/",
    "https://localhost./",
    "https://api.localhost/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://intranet/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "https://%31%32%37.0.0.1/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:80/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com/#fragment",
    "https://example.com\\@127.0.0.1/",
    "https://exam ple.com/",
    "https://example.com/a\r\nHost: other",
    "https://example.com/\x00",
    "https://example.com/" + "a" * 2000,
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_public_is_refused(text: str) -> None:
    """Threat 36: schemes, names, addresses and ports that no receiver has are refused at once."""
    with pytest.raises(TargetRefused) as refused:
        checked_target(text, AddressPolicy())
    assert not str(refused.value).endswith(".")  # it is the end of a sentence


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("https://hooks.example.com/a?b=c", "https://hooks.example.com/a?b=c"),
        ("https://HOOKS.Example.com.:8443/A", "https://hooks.example.com:8443/A"),
        ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/"),
        ("https://1.1.1.1/x", "https://1.1.1.1/x"),
        ("https://[2606:4700:4700::1111]:8443/", "https://[2606:4700:4700::1111]:8443/"),
    ],
)
def test_public_addresses_are_taken(text: str, canonical: str) -> None:
    """An https address of the internet is taken, in one spelling."""
    assert checked_target(text, AddressPolicy()) == canonical


def test_an_allowed_network_may_use_http() -> None:
    """In a network that was opened by name, http and any port will do; nowhere else."""
    policy = AddressPolicy([ip_network("10.1.0.0/16")])
    assert checked_target("http://10.1.2.3:81/x", policy) == "http://10.1.2.3:81/x"
    with pytest.raises(TargetRefused):
        checked_target("http://10.2.2.3:81/x", policy)


@given(st.text(max_size=60).map(lambda rest: f"https://{rest}"))
def test_any_text_is_taken_or_refused(text: str) -> None:
    """Nothing that can be typed breaks the check, and what it takes it takes again."""
    try:
        canonical = checked_target(text, AddressPolicy())
    except TargetRefused:
        return
    assert checked_target(canonical, AddressPolicy()) == canonical
