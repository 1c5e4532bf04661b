"""Vehicle identification numbers (VIN); ``mechanic_shop.inputs`` says how they are
written.
"""

# ISO 3779 as 49 CFR 565.15 weighs it: the value of each character, and the weight of
# each of the 17 positions.
VALUES = {str(digit): digit for digit in range(10)} | dict(
    zip(
        "ABCDEFGHJKLMNPRSTUVWXYZ",
        (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
        strict=True,
    )
)
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
CHECK_DIGITS = "0123456789X"


def vin_valid(vin: str) -> bool:
    """Does a normalized VIN follow ISO 3779: 17 characters, no I, O or Q, and the right
    check digit?
    """
    if len(vin) != 17 or not all(char in VALUES for char in vin) or len(set(vin)) == 1:
        return False
    total = sum(VALUES[char] * weight for char, weight in zip(vin, WEIGHTS, strict=True))
    return vin[8] == CHECK_DIGITS[total % 11]
