"""What can be read out of names, baskets and e-mail addresses, in the languages served."""

from __future__ import annotations

import pytest

from app.risk.goods import is_express, is_resold, is_throwaway, names_differ, words_of


@pytest.mark.parametrize(
    ("verified", "told"),
    [
        ("Aino Maria Virta", "aino virta"),
        ("Aino Virta", "Virta, Aino"),
        ("Väinö Mäkelä", "Vaino Makela"),
        ("Anna-Liisa Lahti", "Anna Liisa Lahti"),
        ("Aino Virta", "Aino Virtta"),
        ("Aino Virta", "Matti Virta"),
        ("Иван Петров", "Ivan Petrov"),
        ("Щерю Юлиянов", "SHTERYU Yuliyanov"),
        ("Søren Ågård", "Soren Agard"),
    ],
)
def test_a_name_is_the_same_however_it_is_written(verified: str, told: str) -> None:
    assert names_differ(verified, told) is False


def test_a_name_without_a_word_in_common_is_another() -> None:
    assert names_differ("Aino Virta", "Ville Salo") is True
    assert names_differ("Иван Петров", "Ville Salo") is True


@pytest.mark.parametrize(("verified", "told"), [(None, "Aino"), ("Aino Virta", None), ("Aino Virta", " .")])
def test_a_name_that_is_not_known_differs_from_none(verified: str | None, told: str | None) -> None:
    assert names_differ(verified, told) is None


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("a@mailinator.com", True),
        ("A@Sub.YOPMAIL.com ", True),
        ("a@notmailinator.com", False),
        ("mailinator.com@kolme.example", False),
        ("a@gmail.com", False),
        ("com", False),
        ("", False),
        (None, False),
    ],
)
def test_a_mailbox_of_minutes_is_told_by_its_domain(email: str | None, expected: bool) -> None:
    assert is_throwaway(email) is expected


@pytest.mark.parametrize(
    "name", ["Express delivery", "Pikatoimitus", "Snabb leverans", "Ekspres", "Експресна доставка"]
)
def test_a_fast_delivery_is_known_in_each_language(name: str) -> None:
    assert is_express([name])
    assert not is_express(["Parcel", "Pickup point"])


@pytest.mark.parametrize(
    "name", ["Gift card 50 €", "Lahjakortti", "Presentkort", "Gavekort", "Подаръчна карта"]
)
def test_money_in_another_form_is_known_in_each_language(name: str) -> None:
    assert is_resold(words_of([name]))
    assert not is_resold(words_of(["Wool blanket", "Gift wrapping"]))


def test_words_are_lower_case_each_once_and_not_without_end() -> None:
    assert words_of(["Wool Blanket", "wool socks"]) == ("blanket", "socks", "wool")
    assert len(words_of(f"word{n}" for n in range(5_000))) == 200
