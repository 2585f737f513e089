"""Letters that a general reader answers where one knows that there are digits alone."""

ALIKE = str.maketrans("OoDQIil|!ZzSsbGBgq", "000011111225566899")
DIGITS = set("0123456789")


def as_digits(text: str) -> str:
    """The digits of a text, with letters that look alike forgiven; rows that are left stay rows."""
    rows = ("".join(c for c in row.translate(ALIKE) if c in DIGITS) for row in text.splitlines())
    return "\n".join(row for row in rows if row)
