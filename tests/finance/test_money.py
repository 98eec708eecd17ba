import pytest

from services.finance.money import yuan, yuan_in_english


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (30_000_000, "30万元"),
        (1_000_000, "1万元"),
        (12_345_000_000, "12,345万元"),
        (30_000_100, "300,001.00元"),
        (999_999, "9,999.99元"),
        (1, "0.01元"),
        (0, "0.00元"),
        (-150, "-1.50元"),
        (10**15 - 1, "9,999,999,999,999.99元"),
    ],
)
def test_amounts_are_written_by_integers_alone(fen: int, text: str) -> None:
    assert yuan(fen) == text


def test_english_amounts_name_the_currency() -> None:
    assert yuan_in_english(30_000_000) == "CNY 300,000.00"
