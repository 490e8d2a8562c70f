"""The authority is kept, repaired and shared; each host has its own certificate."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.x509 import DNSName, SubjectAlternativeName, load_pem_x509_certificate

from stock_pipeline.twin.certificates import PAIR_FILE, CertificateStore


def test_authority_is_kept_over_restarts(tmp_path: Path) -> None:
    first = CertificateStore(tmp_path).authority.read_bytes()
    assert CertificateStore(tmp_path).authority.read_bytes() == first


@pytest.mark.parametrize(
    "damage",
    [
        lambda pair: b"",  # written by a process that was killed
        lambda pair: pair[: len(pair) // 2],  # cut
        lambda pair: pair.replace(b"A", b"B", 1),  # a changed letter
        lambda pair: b"not a certificate at all",  # something else
    ],
)
def test_damaged_authority_is_replaced(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    first = CertificateStore(tmp_path).authority.read_bytes()
    pair = tmp_path / PAIR_FILE
    pair.write_bytes(damage(pair.read_bytes()))
    second = CertificateStore(tmp_path).authority.read_bytes()
    assert second != first
    assert CertificateStore(tmp_path).authority.read_bytes() == second


def test_key_of_another_authority_is_noticed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        CertificateStore(tmp_path / name)
    pairs = [(tmp_path / name / PAIR_FILE).read_bytes() for name in ("a", "b")]
    key, certificate = pairs[0].split(b"-----BEGIN CERT")[0], pairs[1].split(b"-----BEGIN CERT")[1]
    before = (tmp_path / "a" / "ca.pem").read_bytes()
    (tmp_path / "a" / PAIR_FILE).write_bytes(key + b"-----BEGIN CERT" + certificate)
    after = CertificateStore(tmp_path / "a").authority.read_bytes()
    assert after not in (before, (tmp_path / "b" / "ca.pem").read_bytes())


def test_two_that_start_at_once_share_one_authority(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: CertificateStore(tmp_path), range(8)))
    assert len({store._authority.cert_pem.bytes() for store in stores}) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "ca-with-key.pem",
        "ca.pem",
        "no-certificates",
    ]


def test_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    CertificateStore(tmp_path)
    assert (tmp_path / PAIR_FILE).stat().st_mode & 0o077 == 0
    assert b"PRIVATE KEY" not in (tmp_path / "ca.pem").read_bytes()


def test_context_of_a_host_is_made_once(tmp_path: Path) -> None:
    store = CertificateStore(tmp_path)
    assert store.context("data.krx.co.kr") is store.context("data.krx.co.kr")
    assert store.context("data.krx.co.kr") is not store.context("opendart.fss.or.kr")


def test_certificate_names_its_host(tmp_path: Path) -> None:
    store = CertificateStore(tmp_path)
    leaf = store._authority.issue_cert("data.krx.co.kr").cert_chain_pems[0].bytes()
    names = load_pem_x509_certificate(leaf).extensions.get_extension_for_class(
        SubjectAlternativeName
    )
    assert names.value.get_values_for_type(DNSName) == ["data.krx.co.kr"]
