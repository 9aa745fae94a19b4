"""Our keys towards banks: files among the secrets, published, rotated by laying one beside the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey

from app.outside.bank_keys import KeysRefused, keys_made_in, read_keys
from tests.support.oidc import rsa_key, signing_key

A_SHORT_KEY = rsa.generate_private_key(65537, 1024).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)
SEAL = rsa_key("seal").as_pem(private=True)


def put(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        (folder / f"{name.replace('_', '-')}.pem").write_bytes(content)
    return folder


def test_the_first_signing_key_by_name_signs_and_all_are_published(tmp_path: Path) -> None:
    old, new = signing_key("a"), rsa_key("b")
    put(tmp_path, sign_2025=old.as_pem(private=True), sign_2026=new.as_pem(private=True), decrypt_2025=SEAL)
    keys = read_keys(tmp_path)
    assert keys.signing[0].thumbprint() == old.thumbprint()
    published = keys.public_set()["keys"]
    assert isinstance(published, list)
    assert [(key["kid"], key["use"], key.get("alg")) for key in published] == [
        (old.thumbprint(), "sig", "ES256"),
        (new.thumbprint(), "sig", "RS256"),
        (keys.decryption[0].kid, "enc", None),
    ]
    (tmp_path / "sign-2025.pem").unlink()
    assert read_keys(tmp_path).signing[0].thumbprint() == new.thumbprint()


def test_no_private_half_is_published_or_shown(tmp_path: Path) -> None:
    keys = keys_made_in(tmp_path)
    published = keys.public_set()["keys"]
    assert isinstance(published, list)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & {name for key in published for name in key}
    assert str(keys.decryption[0].as_dict(private=True)["d"]) not in repr(keys)


def test_keys_made_for_test_mode_are_kept_and_readable_by_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "bank_keys"
    assert keys_made_in(folder).public_set() == keys_made_in(folder).public_set()
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}
    assert sorted(path.name for path in folder.iterdir()) == ["decrypt-sandbox.pem", "sign-sandbox.pem"]


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sign_a", b"garbage"),
        ("sign_a", signing_key("x").as_pem(private=False)),
        ("sign_a", ECKey.generate_key("P-384").as_pem(private=True)),
        ("sign_a", A_SHORT_KEY),
        ("decrypt_a", b""),
        ("decrypt_a", signing_key("x").as_pem(private=True)),
        ("decrypt_a", rsa_key("x").as_pem(private=False)),
        ("decrypt_a", rsa_key("x").as_pem(private=True, password="secret")),
    ],
)
def test_a_key_file_that_cannot_be_used_is_named_in_one_sentence(
    tmp_path: Path, name: str, content: bytes
) -> None:
    put(tmp_path, sign_ok=signing_key("ok").as_pem(private=True), decrypt_ok=SEAL, **{name: content})
    with pytest.raises(KeysRefused) as caught:
        read_keys(tmp_path)
    assert f"{name.replace('_', '-')}.pem" in str(caught.value)


@pytest.mark.parametrize(("there", "missing"), [("sign_a", "decrypt-"), ("decrypt_a", "sign-")])
def test_a_folder_without_one_kind_of_key_is_refused(tmp_path: Path, there: str, missing: str) -> None:
    put(tmp_path, **{there: SEAL})
    with pytest.raises(KeysRefused, match=missing):
        read_keys(tmp_path)
