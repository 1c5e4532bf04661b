"""What fills a believable demo garage: its shelves, its customers' cars, its people and its work.

Pure data and small pure functions: nothing here knows Django, the clock or the database. Every
e-mail address is at example.com and every phone number in 555-0100..0199, so that nobody real
can ever be written to or called.
"""

import random
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar

T = TypeVar("T")

# Sold by the piece: quantities are whole. The other units are measured.
COUNTED_UNITS = frozenset({"each", "set", "pair"})
MEASURED_UNITS = frozenset({"litre", "metre", "kilogram"})


class PartKind(NamedTuple):
    """One kind of part on the shelf; money in USD, ``price`` what the customer pays, ``cost`` what the shop paid."""

    sku: str
    name: str
    unit: str
    price: str
    cost: str
    reorder_point: int
    reorder_quantity: int
    bin: str
    typical_stock: int


class CarModel(NamedTuple):
    """A kind of car as its maker built it; ``tags`` say which repairs make sense on it (see ``RepairJob.needs``)."""

    make: str
    model: str
    engine: str
    first_year: int
    last_year: int
    colors: tuple[str, ...]
    vin_prefix: str
    tags: frozenset[str]


class MechanicProfile(NamedTuple):
    name: str
    specialties: tuple[str, ...]
    bio: str
    hourly_cost: str
    hired_on: str
    phone: str
    email: str


class RepairJob(NamedTuple):
    """One kind of work: from what the customer says to what went into the car.

    ``odometer`` is the range of miles in which it is usual, ``needs`` the tags that a car must have.
    """

    concern: str
    cause: str
    correction: str
    parts: tuple[tuple[str, str], ...]
    odometer: tuple[int, int]
    needs: frozenset[str]


class Names(NamedTuple):
    first: tuple[str, ...]
    last: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]  # city and ZIP code


class Person(NamedTuple):
    name: str
    email: str
    phone: str
    address: str


class Dice:
    """Chance that falls the same way every time for the same seed.

    Everything comes from ``random()``, the one method whose sequence Python promises to keep across versions.
    """

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable is the point, nothing secret comes of it

    def chance(self, probability: float) -> bool:
        """True in ``probability`` of all throws: never at 0, always at 1."""
        return self._random.random() < probability

    def between(self, lo: int, hi: int) -> int:
        """A whole number from ``lo`` to ``hi``, both included."""
        if hi < lo:
            raise ValueError(f"nothing lies between {lo} and {hi}")
        return lo + int(self._random.random() * (hi - lo + 1))

    def decimal(self, lo: str | Decimal, hi: str | Decimal, step: str | Decimal = "0.01") -> Decimal:
        """``lo`` plus a whole number of ``step``, at most ``hi``."""
        low, width = Decimal(lo), Decimal(step)
        return low + width * self.between(0, int((Decimal(hi) - low) / width))

    def pick(self, among: Sequence[T]) -> T:
        return among[self.between(0, len(among) - 1)]

    def weighted(self, among: Sequence[tuple[T, int]]) -> T:
        """One of ``among``, pairs of a value and its whole weight."""
        throw = self.between(1, sum(weight for _, weight in among))
        for value, weight in among:
            throw -= weight
            if throw <= 0:
                return value
        raise ValueError("weights must not be negative")

    def sample(self, among: Sequence[T], count: int) -> list[T]:
        """``count`` different places of ``among``, in the order they were drawn."""
        left = list(among)
        return [left.pop(self.between(0, len(left) - 1)) for _ in range(count)]

    def shuffled(self, among: Sequence[T]) -> list[T]:
        return self.sample(among, len(among))


# Vehicle identification numbers -------------------------------------------------------------------

# ISO 3779 and 49 CFR 565: letters count as these digits, I, O and Q are never used.
_VIN_VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", (int(digit) for digit in "012345678912345678123457923456789"), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"  # 1980 to 2009, then again: position 7 tells which round


def vin_check_digit(vin: str) -> str:
    """The right character for position 9 of ``vin``, whatever stands there now. KeyError for a character that no VIN has."""
    total = sum(_VIN_VALUES[character] * weight for character, weight in zip(vin, _VIN_WEIGHTS, strict=True))
    return "0123456789X"[total % 11]


def vin_is_valid(vin: str) -> bool:
    return len(vin) == 17 and all(character in _VIN_VALUES for character in vin) and vin[8] == vin_check_digit(vin)


def make_vin(prefix: str, year: int, serial: int) -> str:
    """A VIN of maker and model ``prefix`` (8 characters), model ``year`` (1980 to 2039) and ``serial`` (0 to 999999)."""
    if len(prefix) != 8 or not all(character in _VIN_VALUES for character in prefix):
        raise ValueError(f"{prefix!r} is not the first 8 characters of a VIN")
    if not 1980 <= year <= 2039 or not 0 <= serial <= 999_999:
        raise ValueError(f"no VIN is made for year {year} and serial {serial}")
    draft = f"{prefix}0{_VIN_YEARS[(year - 1980) % 30]}A{serial:06}"
    return draft[:8] + vin_check_digit(draft) + draft[9:]


# People -------------------------------------------------------------------------------------------

_PHONE_STYLES = (
    "({area}) 555-01{line:02}",
    "{area}-555-01{line:02}",
    "{area}.555.01{line:02}",
    "{area}55501{line:02}",
    "+1 {area} 555 01{line:02}",
    "+1{area}55501{line:02}",
    "1-{area}-555-01{line:02}",
    "{area} 555 01{line:02}",
)
_AREAS = ("303", "720", "983")  # the three area codes of Denver


def make_phone(serial: int) -> str:
    """The ``serial``-th (0 to 299) number that never rings, written the way people write it."""
    if not 0 <= serial < 100 * len(_AREAS):
        raise ValueError(f"there is no phone number {serial}")
    return _PHONE_STYLES[serial % len(_PHONE_STYLES)].format(area=_AREAS[serial // 100], line=serial % 100)


def make_plate(dice: Dice) -> str:
    """A Colorado plate: ABC-D12, or the older 123-ABC."""
    letters = "".join(dice.pick("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(4))
    if dice.chance(0.7):
        return f"{letters[:3]}-{letters[3]}{dice.between(10, 99)}"
    return f"{dice.between(100, 999)}-{letters[:3]}"


def make_email(name: str) -> str:
    """An address at example.com in plain ASCII: "José O'Neill" is jose.oneill@example.com."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(str.maketrans("łøđ", "lod")))
    words = ("".join(letter for letter in word if letter.isascii() and letter.isalnum()) for word in plain.split())
    return ".".join(words) + "@example.com"


def _full_names(dice: Dice) -> Iterator[str]:
    """Every first name in turn, each round with other last names: all different."""
    first, last = dice.shuffled(PEOPLE.first), dice.shuffled(PEOPLE.last)
    for turn in range(len(last)):
        for place, name in enumerate(first):
            yield f"{name} {last[(place + turn) % len(last)]}"


def make_people(dice: Dice, count: int) -> list[Person]:
    """``count`` people (at most 240), no two with the same name, e-mail address or phone number."""
    # Lines 00 to 19 of each area code are left to the mechanics and the shop itself.
    names, phones = _full_names(dice), dice.sample([serial for serial in range(300) if serial % 100 >= 20], count)
    return [Person(name, make_email(name), make_phone(phone), _address(dice)) for name, phone in zip(names, phones, strict=False)]


def _address(dice: Dice) -> str:
    city, zip_code = dice.pick(PEOPLE.cities)
    unit = f", Apt {dice.between(1, 40)}" if dice.chance(0.2) else ""
    return f"{dice.between(100, 9899)} {dice.pick(PEOPLE.streets)}{unit}, {city}, CO {zip_code}"


# Cars and work ------------------------------------------------------------------------------------


def make_odometer(dice: Dice, age: int) -> int:
    """Miles on a car ``age`` years old, of an owner who drives 6,000 to 15,000 a year."""
    return dice.between(300, 6_000) + max(age, 0) * dice.between(6_000, 15_000)


def jobs_for(car: CarModel, odometer: int | None = None) -> list[RepairJob]:
    """The work that makes sense on ``car``, and at that many miles when they are given. Never empty."""
    fitting = [job for job in WORK if job.needs <= car.tags]
    if odometer is None:
        return fitting
    return [job for job in fitting if job.odometer[0] <= odometer <= job.odometer[1]] or [job for job in fitting if not job.parts]


def _car(make: str, model: str, engine: str, first: int, last: int, vin_prefix: str, colors: str, words: str) -> CarModel:
    tags = set(words.split())
    if any(tag.startswith("oil-") for tag in tags):
        # A hybrid's engine has no alternator, starter or serpentine belt of its own.
        tags |= {"engine"} if "hybrid" in tags else {"engine", "accessory-belt"}
    return CarModel(make, model, engine, first, last, tuple(colors.split(", ")), vin_prefix, frozenset(tags))


def _job(concern: str, cause: str, correction: str, parts: str = "", *, miles: tuple[int, int], needs: str = "") -> RepairJob:
    """``parts`` is "SKU quantity, SKU quantity"."""
    lines = (line.split() for line in parts.split(", ") if line)
    return RepairJob(concern, cause, correction, tuple((sku, quantity) for sku, quantity in lines), miles, frozenset(needs.split()))


PARTS: tuple[PartKind, ...] = (
    # Aisle A: oil and filters
    PartKind("OIL-5W30-SYN", "Engine oil 5W-30 full synthetic", "litre", "9.80", "4.65", 60, 208, "A-01-1", 180),
    PartKind("OIL-0W20-SYN", "Engine oil 0W-20 full synthetic", "litre", "10.40", "4.95", 60, 208, "A-01-2", 190),
    PartKind("OIL-5W40-EUR", "Engine oil 5W-40 European formula", "litre", "12.60", "6.30", 40, 120, "A-01-3", 110),
    PartKind("OIL-5W30-HM", "Engine oil 5W-30 high-mileage blend", "litre", "8.20", "3.90", 30, 60, "A-01-4", 75),
    PartKind("OIL-5W30-C3", "Engine oil 5W-30 low-SAPS C3, diesel", "litre", "13.40", "6.85", 15, 40, "A-02-1", 36),
    PartKind("FLT-OIL-SPN-01", "Oil filter, spin-on, Honda/Nissan/Subaru/Mazda", "each", "9.95", "4.10", 15, 40, "A-02-2", 48),
    PartKind("FLT-OIL-SPN-02", "Oil filter, spin-on, Ford/GM/Hyundai/Kia", "each", "9.45", "3.85", 15, 40, "A-02-3", 46),
    PartKind("FLT-OIL-CRT-01", "Oil filter, cartridge, Toyota/Lexus", "each", "11.50", "4.90", 12, 36, "A-02-4", 34),
    PartKind("FLT-OIL-CRT-02", "Oil filter, cartridge, European", "each", "17.80", "8.60", 8, 20, "A-03-1", 22),
    PartKind("FLT-OIL-CRT-03", "Oil filter, cartridge, Chrysler 3.6 V6", "each", "14.25", "6.70", 8, 20, "A-03-2", 21),
    PartKind("FLT-AIR-001", "Engine air filter, compact and mid-size", "each", "24.90", "11.20", 8, 20, "A-03-3", 24),
    PartKind("FLT-AIR-002", "Engine air filter, truck and SUV", "each", "31.50", "14.40", 6, 15, "A-03-4", 17),
    PartKind("FLT-AIR-003", "Engine air filter, European", "each", "38.75", "19.30", 4, 8, "A-04-1", 9),
    PartKind("FLT-CAB-001", "Cabin air filter, particulate", "each", "22.50", "9.10", 10, 24, "A-04-2", 28),
    PartKind("FLT-CAB-002", "Cabin air filter, activated charcoal", "each", "34.90", "16.50", 6, 12, "A-04-3", 14),
    PartKind("FLT-FUEL-001", "Fuel filter, in-line, gasoline", "each", "29.40", "13.70", 3, 6, "A-04-4", 7),
    PartKind("FLT-FUEL-DSL", "Fuel filter element, diesel", "each", "54.00", "28.50", 2, 4, "A-05-1", 5),
    PartKind("FLT-TRN-001", "Transmission filter and pan gasket kit", "set", "62.00", "31.20", 3, 6, "A-05-2", 7),
    PartKind("OIL-WSH-M14", "Drain plug crush washer M14", "each", "1.50", "0.28", 40, 100, "A-05-3", 120),
    PartKind("OIL-PLG-M14", "Drain plug M14 x 1.5", "each", "7.90", "2.60", 6, 12, "A-05-4", 15),
    # Aisle B: brakes
    PartKind("BRK-PAD-F-001", "Brake pads, front, ceramic, compact and mid-size", "set", "74.90", "36.40", 6, 12, "B-01-1", 15),
    PartKind("BRK-PAD-F-002", "Brake pads, front, severe duty, truck and SUV", "set", "92.50", "46.80", 5, 10, "B-01-2", 12),
    PartKind("BRK-PAD-F-003", "Brake pads, front, low-dust, European", "set", "128.00", "69.50", 3, 6, "B-01-3", 8),
    PartKind("BRK-PAD-R-001", "Brake pads, rear, ceramic, compact and mid-size", "set", "66.50", "31.90", 5, 10, "B-01-4", 12),
    PartKind("BRK-PAD-R-002", "Brake pads, rear, severe duty, truck and SUV", "set", "81.00", "40.20", 4, 8, "B-02-1", 10),
    PartKind("BRK-PAD-R-003", "Brake pads, rear, low-dust, European", "set", "104.00", "55.80", 3, 5, "B-02-2", 6),
    PartKind("BRK-ROT-F-001", "Brake rotors, front, coated, compact and mid-size", "pair", "148.00", "79.00", 4, 8, "B-02-3", 10),
    PartKind("BRK-ROT-F-002", "Brake rotors, front, coated, truck and SUV", "pair", "196.00", "106.00", 3, 6, "B-02-4", 8),
    PartKind("BRK-ROT-F-003", "Brake rotors, front, vented, European", "pair", "242.00", "137.00", 2, 4, "B-03-1", 5),
    PartKind("BRK-ROT-R-001", "Brake rotors, rear, solid, compact and mid-size", "pair", "126.00", "66.00", 3, 6, "B-03-2", 7),
    PartKind("BRK-ROT-R-002", "Brake rotors, rear, vented, truck and SUV", "pair", "164.00", "88.00", 2, 4, "B-03-3", 6),
    PartKind("BRK-SHO-R-001", "Brake shoes, rear drum", "set", "52.00", "24.80", 2, 4, "B-03-4", 5),
    PartKind("BRK-DRM-R-001", "Brake drums, rear", "pair", "112.00", "58.00", 1, 2, "B-04-1", 3),
    PartKind("BRK-CAL-F-001", "Brake caliper, front, remanufactured", "each", "118.00", "61.00", 2, 4, "B-04-2", 5),
    PartKind("BRK-CAL-R-001", "Brake caliper, rear, remanufactured", "each", "109.00", "56.50", 2, 4, "B-04-3", 5),
    PartKind("BRK-HOS-F-001", "Brake hose, front, DOT rubber", "each", "31.80", "13.90", 4, 8, "B-04-4", 9),
    PartKind("BRK-HDW-001", "Brake hardware kit, clips and pins", "set", "18.40", "7.20", 8, 20, "B-05-1", 22),
    PartKind("BRK-SEN-001", "Brake pad wear sensor", "each", "24.60", "10.70", 4, 10, "B-05-2", 11),
    PartKind("BRK-LIN-316", "Brake line, copper-nickel, 3/16 in", "metre", "12.80", "5.40", 8, 15, "B-05-3", 20),
    PartKind("BRK-MST-001", "Brake master cylinder", "each", "174.00", "94.00", 1, 2, "B-05-4", 3),
    PartKind("BRK-ABS-001", "ABS wheel speed sensor", "each", "68.00", "31.50", 3, 6, "B-06-1", 7),
    PartKind("BRK-CBL-001", "Parking brake cable", "each", "47.50", "21.80", 2, 4, "B-06-2", 5),
    PartKind("BRK-CLN-001", "Brake cleaner, non-chlorinated, 14 oz can", "each", "7.25", "3.10", 24, 48, "B-06-3", 60),
    PartKind("BRK-LUB-001", "Brake caliper grease, silicone", "kilogram", "64.00", "29.50", 1, 2, "B-06-4", 3),
    # Aisle C: fluids and chemicals
    PartKind("FLD-BRK-DOT4", "Brake fluid DOT 4", "litre", "14.60", "6.20", 10, 24, "C-01-1", 28),
    PartKind("FLD-BRK-DOT3", "Brake fluid DOT 3", "litre", "11.20", "4.70", 6, 12, "C-01-2", 16),
    PartKind("FLD-CLT-RED", "Coolant, Asian red OAT, 50/50", "litre", "7.90", "3.60", 20, 60, "C-01-3", 58),
    PartKind("FLD-CLT-ORG", "Coolant, orange extended life OAT, 50/50", "litre", "6.80", "3.05", 20, 60, "C-01-4", 62),
    PartKind("FLD-CLT-VIO", "Coolant, European violet Si-OAT, 50/50", "litre", "9.60", "4.60", 12, 40, "C-02-1", 36),
    PartKind("FLD-ATF-LV", "Automatic transmission fluid, low viscosity", "litre", "13.20", "6.10", 20, 60, "C-02-2", 55),
    PartKind("FLD-ATF-WS", "Automatic transmission fluid, Toyota WS type", "litre", "12.50", "5.80", 12, 40, "C-02-3", 38),
    PartKind("FLD-CVT-001", "CVT fluid, synthetic", "litre", "15.90", "7.70", 10, 24, "C-02-4", 30),
    PartKind("FLD-MTF-75W80", "Manual transmission fluid 75W-80", "litre", "16.40", "7.90", 6, 12, "C-03-1", 14),
    PartKind("FLD-GER-75W90", "Gear oil 75W-90 synthetic, GL-5", "litre", "15.20", "7.10", 8, 24, "C-03-2", 26),
    PartKind("FLD-PSF-001", "Power steering fluid, universal", "litre", "10.80", "4.40", 6, 12, "C-03-3", 15),
    PartKind("FLD-WSH-001", "Windshield washer fluid, -20 F", "litre", "1.90", "0.62", 40, 120, "C-03-4", 110),
    PartKind("FLD-DEF-001", "Diesel exhaust fluid", "litre", "3.40", "1.35", 10, 40, "C-04-1", 38),
    PartKind("REF-134A", "Refrigerant R-134a", "kilogram", "48.00", "21.00", 5, 13, "C-04-2", 17),
    PartKind("REF-1234YF", "Refrigerant R-1234yf", "kilogram", "178.00", "109.00", 2, 5, "C-04-3", 8),
    PartKind("REF-PAG-046", "A/C compressor oil PAG 46", "litre", "52.00", "24.00", 1, 3, "C-04-4", 4),
    PartKind("REF-DYE-001", "A/C leak detection dye, single dose", "each", "8.60", "2.90", 8, 24, "C-05-1", 26),
    PartKind("CHM-GRS-MOL", "CV joint grease, molybdenum", "kilogram", "22.50", "9.80", 2, 4, "C-05-2", 6),
    PartKind("CHM-GRS-LIT", "Chassis grease, lithium complex", "kilogram", "15.40", "6.30", 3, 8, "C-05-3", 9),
    PartKind("CHM-RTV-001", "RTV silicone gasket maker, black, tube", "each", "11.30", "4.80", 4, 10, "C-05-4", 12),
    PartKind("CHM-PEN-001", "Penetrating oil, aerosol", "each", "9.70", "4.15", 6, 12, "C-06-1", 16),
    PartKind("CHM-THR-001", "Throttle body and intake cleaner, aerosol", "each", "10.90", "4.60", 6, 12, "C-06-2", 15),
    PartKind("CHM-FSC-001", "Fuel system cleaner, bottle", "each", "16.80", "7.40", 6, 12, "C-06-3", 14),
    # Aisle D: ignition and electrical
    PartKind("IGN-PLG-IR-01", "Spark plug, iridium, four-cylinder", "each", "14.90", "7.10", 24, 48, "D-01-1", 64),
    PartKind("IGN-PLG-IR-02", "Spark plug, iridium, V6, long reach", "each", "16.40", "8.00", 18, 36, "D-01-2", 48),
    PartKind("IGN-PLG-CU-01", "Spark plug, nickel, V8", "each", "6.90", "2.60", 16, 32, "D-01-3", 40),
    PartKind("IGN-PLG-GLW", "Glow plug, diesel", "each", "26.50", "12.80", 4, 8, "D-01-4", 10),
    PartKind("IGN-COL-001", "Ignition coil, four-cylinder", "each", "64.00", "31.50", 4, 8, "D-02-1", 11),
    PartKind("IGN-COL-002", "Ignition coil, V6 and V8", "each", "72.50", "36.00", 4, 8, "D-02-2", 10),
    PartKind("BAT-035-FLA", "Battery, group 35, 640 CCA", "each", "169.00", "104.00", 3, 6, "D-02-3", 8),
    PartKind("BAT-065-FLA", "Battery, group 65, 750 CCA", "each", "189.00", "118.00", 2, 4, "D-02-4", 6),
    PartKind("BAT-H7-AGM", "Battery, group H7 AGM, 850 CCA", "each", "249.00", "161.00", 2, 4, "D-03-1", 5),
    PartKind("BAT-TRM-001", "Battery terminals, lead", "pair", "12.40", "4.70", 5, 10, "D-03-2", 13),
    PartKind("ALT-120A-001", "Alternator, 120 A, remanufactured", "each", "286.00", "158.00", 1, 2, "D-03-3", 3),
    PartKind("ALT-150A-002", "Alternator, 150 A, remanufactured", "each", "338.00", "189.00", 1, 2, "D-03-4", 3),
    PartKind("STR-12KW-001", "Starter motor, 1.2 kW, remanufactured", "each", "214.00", "117.00", 1, 2, "D-04-1", 3),
    PartKind("STR-14KW-002", "Starter motor, 1.4 kW, remanufactured", "each", "238.00", "131.00", 1, 2, "D-04-2", 3),
    PartKind("ELE-FUS-MIN", "Fuse assortment, mini blade, 5-30 A", "set", "9.90", "3.40", 4, 10, "D-04-3", 12),
    PartKind("ELE-RLY-040", "Relay, 40 A, four-pin", "each", "13.60", "5.20", 5, 10, "D-04-4", 12),
    PartKind("ELE-WIR-14G", "Primary wire, 14 AWG", "metre", "1.80", "0.55", 30, 60, "D-05-1", 85),
    PartKind("ELE-WIR-04G", "Battery cable, 4 AWG", "metre", "11.60", "4.90", 5, 15, "D-05-2", 17),
    PartKind("ELE-LOM-010", "Split loom, 10 mm", "metre", "2.40", "0.75", 15, 30, "D-05-3", 42),
    PartKind("BLB-H11-PR", "Headlight bulbs, H11 halogen", "pair", "44.00", "19.80", 5, 10, "D-05-4", 13),
    PartKind("BLB-9005-PR", "High-beam bulbs, 9005 halogen", "pair", "38.50", "16.90", 3, 6, "D-06-1", 8),
    PartKind("BLB-H7-001", "Headlight bulb, H7 halogen", "each", "21.00", "9.20", 4, 10, "D-06-2", 12),
    PartKind("BLB-1157-001", "Stop and tail lamp bulb, 1157", "each", "4.90", "1.30", 12, 24, "D-06-3", 30),
    PartKind("BLB-194-001", "License plate and marker bulb, 194", "each", "3.60", "0.90", 12, 24, "D-06-4", 32),
    # Aisle E: cooling, belts, hoses and A/C
    PartKind("TIM-KIT-001", "Timing belt kit with tensioner, 3.5 V6", "set", "268.00", "149.00", 2, 3, "E-01-1", 4),
    PartKind("TIM-KIT-002", "Timing belt kit with idlers, 2.5 flat-four", "set", "234.00", "127.00", 1, 3, "E-01-2", 3),
    PartKind("TIM-KIT-003", "Timing belt kit, 2.0 TDI", "set", "246.00", "138.00", 1, 2, "E-01-3", 2),
    PartKind("WPM-001", "Water pump with gasket, four-cylinder", "each", "96.00", "47.00", 2, 4, "E-01-4", 5),
    PartKind("WPM-002", "Water pump with gasket, V6", "each", "118.00", "61.00", 2, 4, "E-02-1", 4),
    PartKind("THM-001", "Thermostat with housing gasket", "each", "42.00", "18.60", 4, 8, "E-02-2", 10),
    PartKind("RAD-001", "Radiator, aluminum core", "each", "224.00", "126.00", 1, 2, "E-02-3", 3),
    PartKind("RAD-CAP-001", "Radiator cap, 16 psi", "each", "14.80", "5.70", 4, 10, "E-02-4", 12),
    PartKind("FAN-001", "Radiator fan assembly", "each", "186.00", "102.00", 1, 2, "E-03-1", 2),
    PartKind("HOS-RAD-032", "Radiator hose, 32 mm, reinforced EPDM", "metre", "34.50", "15.60", 4, 8, "E-03-2", 10),
    PartKind("HOS-HTR-016", "Heater hose, 16 mm", "metre", "9.80", "3.90", 6, 15, "E-03-3", 19),
    PartKind("HOS-FUL-008", "Fuel injection hose, 8 mm", "metre", "13.40", "5.70", 5, 10, "E-03-4", 13),
    PartKind("HOS-VAC-004", "Vacuum hose, 4 mm silicone", "metre", "4.20", "1.35", 10, 25, "E-04-1", 31),
    PartKind("HOS-PSR-010", "Power steering return hose, 10 mm", "metre", "16.80", "7.20", 3, 8, "E-04-2", 9),
    PartKind("CLM-HOS-032", "Hose clamp, constant tension, 32 mm", "each", "2.60", "0.85", 20, 50, "E-04-3", 64),
    PartKind("BLT-SRP-6PK-01", "Serpentine belt 6PK, four-cylinder", "each", "38.00", "16.80", 5, 10, "E-04-4", 12),
    PartKind("BLT-SRP-6PK-02", "Serpentine belt 6PK, V6 and V8", "each", "46.50", "21.20", 4, 8, "E-05-1", 10),
    PartKind("BLT-TEN-001", "Belt tensioner assembly", "each", "88.00", "43.50", 2, 4, "E-05-2", 5),
    PartKind("HTR-RES-001", "Blower motor resistor", "each", "39.80", "17.20", 2, 4, "E-05-3", 5),
    PartKind("AC-CND-001", "A/C condenser with drier", "each", "218.00", "119.00", 1, 2, "E-05-4", 2),
    PartKind("AC-CMP-001", "A/C compressor with clutch, remanufactured", "each", "362.00", "208.00", 1, 2, "E-06-1", 2),
    PartKind("AC-ORG-001", "A/C O-ring and valve core set", "set", "15.60", "5.90", 4, 8, "E-06-2", 10),
    # Aisle F: suspension, steering and driveline
    PartKind("SUS-STR-F-001", "Strut assemblies, front, complete", "pair", "378.00", "214.00", 2, 3, "F-01-1", 4),
    PartKind("SUS-SHK-R-001", "Shock absorbers, rear", "pair", "158.00", "84.00", 2, 4, "F-01-2", 5),
    PartKind("SUS-ARM-F-001", "Control arm, front lower, with ball joint", "each", "134.00", "70.00", 2, 4, "F-01-3", 5),
    PartKind("SUS-BJT-F-001", "Ball joint, front", "each", "58.00", "27.00", 3, 6, "F-01-4", 7),
    PartKind("SUS-LNK-F-001", "Sway bar links, front", "pair", "64.00", "28.50", 4, 8, "F-02-1", 9),
    PartKind("SUS-BSH-F-001", "Sway bar bushings, front", "pair", "26.00", "10.40", 3, 6, "F-02-2", 8),
    PartKind("STE-TRE-001", "Tie rod end, outer", "each", "46.00", "20.80", 4, 8, "F-02-3", 10),
    PartKind("STE-TRI-001", "Tie rod, inner", "each", "54.00", "25.20", 3, 6, "F-02-4", 7),
    PartKind("HUB-F-001", "Wheel hub and bearing, front, compact and mid-size", "each", "142.00", "76.00", 2, 4, "F-03-1", 6),
    PartKind("HUB-F-002", "Wheel hub and bearing, front, truck and SUV", "each", "186.00", "103.00", 2, 4, "F-03-2", 5),
    PartKind("HUB-R-001", "Wheel hub and bearing, rear", "each", "124.00", "65.00", 2, 4, "F-03-3", 5),
    PartKind("AXL-CV-F-001", "CV axle shaft, front, new", "each", "138.00", "72.00", 2, 4, "F-03-4", 5),
    PartKind("AXL-BOT-001", "CV boot kit", "set", "32.50", "13.60", 3, 6, "F-04-1", 7),
    PartKind("DRV-UJT-001", "Universal joint, greasable", "each", "36.00", "15.90", 3, 6, "F-04-2", 8),
    PartKind("CLU-KIT-001", "Clutch kit, disc, cover and release bearing", "set", "324.00", "186.00", 1, 2, "F-04-3", 2),
    PartKind("CLU-SLV-001", "Clutch slave cylinder", "each", "76.00", "36.50", 1, 2, "F-04-4", 3),
    PartKind("MNT-ENG-001", "Engine mount, hydraulic", "each", "98.00", "49.00", 2, 3, "F-05-1", 4),
    PartKind("WHL-NUT-M12", "Wheel lug nut M12 x 1.5", "each", "3.20", "1.05", 30, 60, "F-05-2", 84),
    PartKind("WHL-STD-M12", "Wheel stud M12 x 1.5", "each", "4.10", "1.40", 15, 30, "F-05-3", 40),
    # Aisle G: engine management, exhaust, body and tires
    PartKind("SEN-O2-001", "Oxygen sensor, upstream, air-fuel ratio", "each", "128.00", "68.00", 2, 4, "G-01-1", 6),
    PartKind("SEN-MAF-001", "Mass air flow sensor", "each", "146.00", "79.00", 1, 2, "G-01-2", 3),
    PartKind("SEN-CTS-001", "Coolant temperature sensor", "each", "32.00", "13.40", 3, 6, "G-01-3", 7),
    PartKind("EVP-PRG-001", "EVAP purge valve", "each", "58.50", "26.80", 3, 6, "G-01-4", 7),
    PartKind("FUL-PMP-001", "Fuel pump module", "each", "298.00", "168.00", 1, 2, "G-02-1", 2),
    PartKind("GSK-VLV-001", "Valve cover gasket set", "set", "48.00", "21.50", 3, 6, "G-02-2", 7),
    PartKind("EXH-GSK-001", "Exhaust flange gasket", "each", "12.90", "4.60", 6, 12, "G-02-3", 15),
    PartKind("EXH-MUF-001", "Muffler, aluminized steel", "each", "134.00", "69.00", 1, 2, "G-02-4", 3),
    PartKind("EXH-PIP-050", "Exhaust pipe, 2 in, aluminized", "metre", "28.40", "12.30", 3, 6, "G-03-1", 8),
    PartKind("WIP-BLD-001", "Wiper blades, beam type, front", "pair", "42.00", "18.40", 8, 20, "G-03-2", 22),
    PartKind("WIN-REG-001", "Window regulator with motor", "each", "132.00", "68.00", 1, 2, "G-03-3", 3),
    PartKind("TIR-2155517-AS", "Tire 215/55R17 94V all-season", "each", "138.00", "96.00", 8, 16, "G-03-4", 20),
    PartKind("TIR-2254518-AS", "Tire 225/45R18 95W all-season", "each", "172.00", "122.00", 4, 8, "G-04-1", 12),
    PartKind("TIR-2657017-AT", "Tire 265/70R17 115T all-terrain", "each", "196.00", "141.00", 4, 8, "G-04-2", 12),
    PartKind("TIR-TPMS-001", "Tire pressure sensor, 315/433 MHz", "each", "58.00", "26.50", 6, 12, "G-04-3", 15),
    PartKind("TIR-PLG-001", "Tire plug-patch, 8 mm", "each", "4.80", "1.30", 15, 50, "G-04-4", 55),
    PartKind("TIR-VLV-001", "Tire valve stem, rubber TR413", "each", "3.40", "0.70", 30, 100, "G-05-1", 110),
    PartKind("TIR-WGT-001", "Wheel weights, adhesive, steel", "kilogram", "18.50", "7.80", 3, 6, "G-05-2", 8),
)

VEHICLES: tuple[CarModel, ...] = (
    _car("Toyota", "Camry", "2.5L I4", 2018, 2023, "4T1B11HK", "Celestial Silver, Midnight Black", "oil-toyota four car r1234yf tire-215"),
    _car("Toyota", "Corolla", "1.8L I4", 2014, 2019, "2T1BURHE", "Classic Silver, Blue Crush, Barcelona Red", "oil-toyota four car r134a cvt"),
    _car("Toyota", "RAV4", "2.5L I4", 2019, 2024, "2T3P1RFV", "Lunar Rock, Blueprint, Ruby Flare", "oil-toyota four car r1234yf awd"),
    _car("Toyota", "Tacoma", "3.5L V6", 2016, 2023, "3TMCZ5AN", "Cement, Quicksand, Magnetic Gray", "oil-toyota six truck r134a awd"),
    _car("Toyota", "4Runner", "4.0L V6", 2010, 2023, "JTEBU5JR", "Army Green, Classic Silver", "oil-toyota six truck r134a awd hydraulic tire-265"),
    _car("Toyota", "Prius", "1.8L I4 Hybrid", 2016, 2021, "JTDKARFU", "Sea Glass Pearl, Blizzard Pearl", "oil-toyota four car r1234yf hybrid"),
    _car("Lexus", "RX 350", "3.5L V6", 2010, 2015, "2T2BK1BA", "Starfire Pearl, Nebula Gray", "oil-toyota six car r134a awd"),
    _car("Honda", "Accord", "2.4L I4", 2003, 2007, "1HGCM826", "Satin Silver, Graphite Pearl, Redondo Red", "oil-asian-old four car r134a hydraulic"),
    _car("Honda", "Accord", "1.5L Turbo I4", 2018, 2022, "1HGCV1F3", "Modern Steel, Platinum White, Still Night", "oil-asian four car r1234yf cvt"),
    _car("Honda", "Civic", "1.8L I4", 2006, 2009, "1HGFA168", "Galaxy Gray, Atomic Blue, Rallye Red", "oil-asian-old four car r134a manual"),
    _car("Honda", "Civic", "2.0L I4", 2016, 2021, "19XFC2F5", "Aegean Blue, Lunar Silver, Crystal Black", "oil-asian four car r1234yf cvt"),
    _car("Honda", "CR-V", "1.5L Turbo I4", 2017, 2022, "5J6RW2H8", "Sonic Gray, Obsidian Blue, Molten Lava", "oil-asian four car r1234yf awd cvt"),
    _car("Honda", "Odyssey", "3.5L V6", 2011, 2017, "5FNRL5H6", "Smoky Topaz, Alabaster Silver", "oil-asian six car r134a belt hydraulic"),
    _car("Acura", "MDX", "3.5L V6", 2014, 2020, "5FRYD4H4", "White Diamond, Lunar Silver, Fathom Blue", "oil-asian six car r134a belt awd"),
    _car("Nissan", "Altima", "2.5L I4", 2013, 2018, "1N4AL3AP", "Gun Metallic, Brilliant Silver", "oil-asian four car r134a cvt tire-215"),
    _car("Nissan", "Rogue", "2.5L I4", 2014, 2020, "5N1AT2MV", "Magnetic Black, Pearl White, Palatial Ruby", "oil-asian four car r134a awd cvt"),
    _car("Nissan", "Frontier", "4.0L V6", 2005, 2009, "1N6AD07W", "Avalanche, Night Armor", "oil-asian-old six truck r134a awd hydraulic manual"),
    _car("Subaru", "Outback", "2.5L H4", 2005, 2009, "4S4BP61C", "Willow Green, Satin White", "oil-asian-old four car r134a awd belt-flat hydraulic"),
    _car("Subaru", "Outback", "2.5L H4", 2015, 2019, "4S4BSANC", "Wilderness Green, Twilight Blue, Tungsten", "oil-asian four car r134a awd cvt"),
    _car("Subaru", "Forester", "2.5L H4", 2014, 2018, "JF2SJADC", "Jasmine Green, Marine Blue, Ice Silver", "oil-asian four car r134a awd cvt"),
    _car("Subaru", "WRX", "2.0L Turbo H4", 2015, 2021, "JF1VA1B6", "WR Blue Pearl, Crystal White", "oil-asian-old four car r134a awd manual"),
    _car("Mazda", "MX-5 Miata", "2.0L I4", 2006, 2008, "JM1NC25F", "True Red, Copper Red", "oil-asian-old four car r134a manual hydraulic"),
    _car("Mazda", "CX-5", "2.5L I4", 2017, 2023, "JM3KFBCM", "Soul Red Crystal, Machine Gray, Snowflake White", "oil-asian four car r1234yf awd"),
    _car("Ford", "F-150", "5.0L V8", 2015, 2020, "1FTEW1EF", "Oxford White, Race Red, Magnetic", "oil-us eight truck r134a awd tire-265"),
    _car("Ford", "Ranger", "2.3L I4", 2001, 2009, "1FTYR10D", "Sonic Blue, Silver Frost, Bright Red", "oil-us four truck r134a hydraulic manual"),
    _car("Ford", "Escape", "1.5L Turbo I4", 2014, 2019, "1FMCU9GD", "Ingot Silver, Lightning Blue, Shadow Black", "oil-us four car r134a awd"),
    _car("Ford", "Explorer", "3.5L V6", 2013, 2019, "1FM5K8D8", "Guard, Blue Jeans, White Platinum", "oil-us six truck r134a awd"),
    _car("Ford", "Mustang GT", "5.0L V8", 2015, 2023, "1FA6P8CF", "Grabber Blue, Race Red, Carbonized Gray", "oil-us eight car r134a manual"),
    _car("Chevrolet", "Impala", "3.4L V6", 2000, 2005, "2G1WF52E", "Galaxy Silver, Sport Red, Superior Blue", "oil-us six car r134a hydraulic"),
    _car("Chevrolet", "Silverado 1500", "5.3L V8", 2014, 2018, "3GCUKREC", "Summit White, Deep Ocean Blue", "oil-us eight truck r134a awd tire-265"),
    _car("Chevrolet", "Equinox", "1.5L Turbo I4", 2018, 2023, "3GNAXKEV", "Mosaic Black, Pacific Blue, Silver Ice", "oil-us four car r1234yf awd"),
    _car("GMC", "Sierra 1500", "5.3L V8", 2014, 2018, "3GTU2VEC", "Quicksilver, Stone Blue, Cardinal Red", "oil-us eight truck r134a awd tire-265"),
    _car("Jeep", "Wrangler", "3.6L V6", 2012, 2018, "1C4BJWDG", "Hydro Blue, Firecracker Red", "oil-mopar six truck r134a awd hydraulic"),
    _car("Jeep", "Grand Cherokee", "3.6L V6", 2011, 2021, "1C4RJFBG", "Granite Crystal, Velvet Red, Bright White", "oil-mopar six truck r134a awd"),
    _car("Jeep", "Cherokee", "4.0L I6", 2000, 2001, "1J4FF48S", "Patriot Blue, Stone White, Flame Red", "oil-us six truck r134a awd hydraulic"),
    _car("Dodge", "Grand Caravan", "3.6L V6", 2011, 2019, "2C4RDGCG", "Billet, Octane Red, Contusion Blue", "oil-mopar six car r134a hydraulic"),
    _car("Hyundai", "Elantra", "2.0L I4", 2017, 2020, "5NPD84LF", "Symphony Silver, Electric Blue, Scarlet Red", "oil-us four car r1234yf"),
    _car("Hyundai", "Santa Fe Sport", "2.0L Turbo I4", 2013, 2018, "5XYZWDLA", "Marlin Blue, Serrano Red", "oil-us four car r134a awd"),
    _car("Kia", "Soul", "1.6L I4", 2014, 2019, "KNDJN2A2", "Alien Green, Inferno Red, Titanium Gray", "oil-us four car r134a tire-215"),
    _car("Volkswagen", "Jetta TDI", "2.0L Turbodiesel I4", 2010, 2014, "3VWLL7AJ", "Platinum Gray, Candy White", "diesel oil-diesel euro r134a"),
    _car("Volkswagen", "Golf GTI", "2.0L Turbo I4", 2015, 2020, "3VW447AU", "Tornado Red, Pure White", "oil-euro four euro r134a manual"),
    _car("BMW", "325i", "2.5L I6", 2001, 2005, "WBAEV334", "Titanium Silver, Orient Blue, Jet Black", "oil-euro six euro r134a hydraulic"),
    _car("BMW", "328i", "2.0L Turbo I4", 2012, 2016, "WBA3A5C5", "Alpine White, Estoril Blue, Mineral Gray", "oil-euro four euro r134a tire-225"),
    _car("Mercedes-Benz", "C 300", "2.0L Turbo I4", 2015, 2021, "55SWF4KB", "Iridium Silver, Polar White", "oil-euro four euro r1234yf awd tire-225"),
    _car("Audi", "Q5", "2.0L Turbo I4", 2018, 2023, "WA1BNAFY", "Mythos Black, Navarra Blue, Florett Silver", "oil-euro four euro r1234yf awd"),
    _car("Volvo", "V70", "2.4L I5", 2001, 2007, "YV1SW612", "Mystic Silver, Nautic Blue, Ruby Red", "oil-euro euro r134a hydraulic"),
    _car("MINI", "Cooper", "1.5L Turbo I3", 2014, 2021, "WMWXM5C5", "Chili Red, British Racing Green, Moonwalk Gray", "oil-euro euro r134a manual"),
    _car("Tesla", "Model 3", "Electric, dual motor", 2018, 2023, "5YJ3E1EB", "Pearl White, Midnight Silver, Deep Blue", "electric car awd"),
)

# fmt: off
_FIRST_NAMES = (
    "Aaliyah", "Abdul", "Aisha", "Alejandro", "Amara", "Andrea", "Arjun", "Beth", "Bjørn", "Camila", "Carlos", "Charlotte", "Chidi", "Chloé",
    "Connor", "Dakota", "Daniel", "Darnell", "Diego", "Elena", "Emily", "Fatima", "Gabriela", "George", "Grace", "Hannah", "Hiroshi", "Imani",
    "Isabel", "Jamal", "Javier", "Jin", "José", "Kateri", "Keisha", "Kenji", "Kwame", "Latoya", "Leilani", "Liam", "Łukasz", "Maria", "Marcus",
    "Mei", "Mohammed", "Naomi", "Nia", "Noah", "Olga", "Omar", "Patrick", "Priya", "Rachel", "Rosa", "Samuel", "Sean", "Siobhán", "Sofía", "Tamika",
    "Thanh", "Tyler", "Valentina", "Wei", "Yusuf", "Zoë",
)
_LAST_NAMES = (
    "Abebe", "Adeyemi", "Alvarez", "Anderson", "Baca", "Banerjee", "Begaye", "Brooks", "Castillo", "Chen", "Cohen", "Cruz", "Davis", "Dubois",
    "Espinoza", "Fischer", "Flores", "Garcia", "Goldstein", "Gonzales", "Haddad", "Hansen", "Hernandez", "Hughes", "Ibrahim", "Ito", "Jackson",
    "Johnson", "Kaplan", "Khan", "Kim", "Kowalski", "Larsen", "Lee", "Lopez", "Lujan", "Martinez", "McAllister", "Mensah", "Miller", "Montoya",
    "Moore", "Nakamura", "Nguyen", "Novak", "O'Brien", "O'Connor", "Okafor", "Ortega", "Park", "Patel", "Peña", "Petrov", "Ramirez", "Reed",
    "Romero", "Rossi", "Sanchez", "Schmidt", "Silva", "Singh", "Tafoya", "Thompson", "Trujillo", "Vigil", "Walker", "Washington", "Wójcik",
    "Yellowhorse", "Zhang",
)
# fmt: on

PEOPLE = Names(
    first=_FIRST_NAMES,
    last=_LAST_NAMES,
    streets=(
        "Aspen Hollow Rd",
        "E Cottonwood Ave",
        "W Bluestem Pl",
        "S Prospector St",
        "Silverton Way",
        "N Magpie Ln",
        "E Larkspur Dr",
        "S Cherry Bend Ct",
        "W Tabor Mill Rd",
        "Platte Bottom Dr",
        "Columbine Loop",
        "E Sandhill St",
        "N Cutthroat Ave",
        "S Chokecherry St",
        "W Evergreen Gulch Rd",
        "Mesa Verde Cir",
        "E Railyard Ave",
        "N Union Depot St",
        "W Foothill Blvd",
        "S Juniper Flats Rd",
    ),
    cities=(
        ("Denver", "80202"),
        ("Denver", "80205"),
        ("Denver", "80210"),
        ("Denver", "80219"),
        ("Denver", "80238"),
        ("Lakewood", "80226"),
        ("Aurora", "80012"),
        ("Englewood", "80110"),
        ("Littleton", "80120"),
        ("Arvada", "80002"),
        ("Wheat Ridge", "80033"),
        ("Westminster", "80031"),
        ("Thornton", "80229"),
        ("Golden", "80401"),
    ),
)

MECHANICS: tuple[MechanicProfile, ...] = (
    MechanicProfile(
        "Rosalind Whitaker",
        ("diagnostics", "electrical", "hybrids"),
        "Master technician who finds the fault that two other shops could not.",
        "46.50",
        "2011-04-18",
        "(303) 555-0101",
        "rosalind.whitaker@example.com",
    ),
    MechanicProfile(
        "Hector Maldonado",
        ("brakes", "suspension", "steering"),
        "Has rebuilt the front end of half the pickups in Jefferson County.",
        "38.00",
        "2014-09-02",
        "303-555-0102",
        "hector.maldonado@example.com",
    ),
    MechanicProfile(
        "Duc Pham",
        ("engines", "timing", "cooling"),
        "Does timing belts by the book and keeps the old parts to show what wore out.",
        "42.25",
        "2013-02-11",
        "720.555.0103",
        "duc.pham@example.com",
    ),
    MechanicProfile(
        "Annika Sorensen",
        ("european", "diagnostics", "engines"),
        "Trained in a BMW dealership and happiest with an oscilloscope in hand.",
        "44.00",
        "2016-06-20",
        "+1 303 555 0104",
        "annika.sorensen@example.com",
    ),
    MechanicProfile(
        "Terrence Boyd",
        ("transmissions", "clutches", "driveline"),
        "Listens to a gearbox for half a minute and is usually right.",
        "41.00",
        "2012-10-29",
        "3035550105",
        "terrence.boyd@example.com",
    ),
    MechanicProfile(
        "Lupita Arce",
        ("air-conditioning", "electrical", "heating"),
        "Certified for both refrigerants and busy from the first hot day of May.",
        "36.75",
        "2018-03-05",
        "(720) 555-0106",
        "lupita.arce@example.com",
    ),
    MechanicProfile(
        "Gordon Petrie",
        ("exhaust", "tires", "alignment"),
        "Aligns a car until the steering wheel sits straight on Sixth Avenue.",
        "33.50",
        "2019-08-12",
        "303 555 0107",
        "gordon.petrie@example.com",
    ),
    MechanicProfile(
        "Samira Yousef",
        ("maintenance", "tires", "brakes"),
        "Runs the quick-service bay and is studying for her next ASE certificate.",
        "27.00",
        "2023-01-16",
        "720-555-0108",
        "samira.yousef@example.com",
    ),
)

WORK: tuple[RepairJob, ...] = (
    # Maintenance
    _job(
        "Due for an oil change.",
        "Oil at the end of its service interval.",
        "Changed oil and filter, reset the maintenance light, checked all fluids and tire pressures.",
        "OIL-0W20-SYN 4.2, FLT-OIL-SPN-01 1, OIL-WSH-M14 1",
        miles=(3_000, 220_000),
        needs="oil-asian",
    ),
    _job(
        "Oil change please, and have a look at the tires.",
        "Oil at the end of its service interval; tire tread 6/32 in all round.",
        "Changed oil and filter with 5W-30 full synthetic, set tire pressures, reset the reminder.",
        "OIL-5W30-SYN 4.8, FLT-OIL-SPN-01 1, OIL-WSH-M14 1",
        miles=(3_000, 260_000),
        needs="oil-asian-old",
    ),
    _job(
        "The maintenance light came on, I think it wants an oil change.",
        "Maintenance reminder at 10,000 miles.",
        "Changed 0W-20 oil and cartridge filter, reset the reminder, topped up washer fluid.",
        "OIL-0W20-SYN 4.5, FLT-OIL-CRT-01 1, OIL-WSH-M14 1, FLD-WSH-001 1.5",
        miles=(5_000, 220_000),
        needs="oil-toyota",
    ),
    _job(
        "Oil life shows 5 %, needs an oil change.",
        "Oil life monitor nearly used up.",
        "Changed oil and filter, reset the oil life monitor, inspected belts and hoses.",
        "OIL-5W30-SYN 4.7, FLT-OIL-SPN-02 1, OIL-WSH-M14 1",
        miles=(5_000, 200_000),
        needs="oil-us four",
    ),
    _job(
        "Regular oil change before a road trip.",
        "Scheduled service.",
        "Changed oil and filter, 27-point inspection, everything fit for the trip.",
        "OIL-5W30-SYN 5.3, FLT-OIL-SPN-02 1, OIL-WSH-M14 1, FLD-WSH-001 2",
        miles=(5_000, 200_000),
        needs="oil-us six",
    ),
    _job(
        "Oil change please, it has worked hard this summer.",
        "Severe-duty service interval reached.",
        "Changed 7.6 litres of oil and the filter, greased the chassis, no leaks.",
        "OIL-5W30-SYN 7.6, FLT-OIL-SPN-02 1, OIL-WSH-M14 1, CHM-GRS-LIT 0.15",
        miles=(5_000, 240_000),
        needs="oil-us eight",
    ),
    _job(
        "It uses a quart between oil changes, anything you can do?",
        "Slight seepage at the valve cover, usual at this mileage.",
        "Changed to high-mileage oil, new filter and drain plug; seepage to be watched at the next visit.",
        "OIL-5W30-HM 4.8, FLT-OIL-SPN-02 1, OIL-PLG-M14 1, OIL-WSH-M14 1",
        miles=(90_000, 280_000),
        needs="oil-us hydraulic",
    ),
    _job(
        "Oil change light is on.",
        "Scheduled oil service.",
        "Changed oil and cartridge filter, torqued the filter cap to specification, reset the light.",
        "OIL-0W20-SYN 5.7, FLT-OIL-CRT-03 1, OIL-WSH-M14 1",
        miles=(5_000, 220_000),
        needs="oil-mopar",
    ),
    _job(
        "Service message on the dash: oil service due.",
        "Scheduled oil service by the on-board computer.",
        "Changed oil with an approved 5W-40 and the filter element, reset the service indicator.",
        "OIL-5W40-EUR 5.2, FLT-OIL-CRT-02 1, OIL-WSH-M14 1, FLT-CAB-002 1",
        miles=(8_000, 220_000),
        needs="oil-euro",
    ),
    _job(
        "Diesel service, oil and fuel filter.",
        "40,000-mile service.",
        "Changed low-SAPS oil, oil filter and fuel filter, primed the fuel system, drained water from the housing.",
        "OIL-5W30-C3 4.3, FLT-OIL-CRT-02 1, FLT-FUEL-DSL 1, OIL-WSH-M14 1",
        miles=(30_000, 240_000),
        needs="oil-diesel",
    ),
    _job(
        "Tires due for rotation.",
        "Front tires 2/32 in more worn than the rear.",
        "Rotated the tires front to rear, set pressures, torqued the lug nuts.",
        miles=(5_000, 250_000),
    ),
    _job(
        "Air from the vents smells musty and is weak.",
        "Cabin filter clogged with leaves; engine air filter dark.",
        "Replaced cabin and engine air filters, cleaned the cowl drain.",
        "FLT-CAB-001 1, FLT-AIR-001 1",
        miles=(15_000, 200_000),
        needs="engine car",
    ),
    _job(
        "Wipers smear and chatter.",
        "Blades hardened by the sun.",
        "Replaced the front blades, cleaned the glass, filled the washer fluid.",
        "WIP-BLD-001 1, FLD-WSH-001 3.5",
        miles=(8_000, 250_000),
    ),
    _job(
        "Buying this car next week, please check it over.",
        "Pre-purchase inspection.",
        "Inspected on the lift, scanned all modules, test drove 8 miles; written report with photos given to the customer.",
        miles=(10_000, 200_000),
    ),
    _job(
        "60,000-mile service: transmission shifts a little late.",
        "CVT fluid due by schedule.",
        "Drained and filled the CVT, set the level at 104 °F, reset the fluid counter.",
        "FLD-CVT-001 4.3, OIL-WSH-M14 1",
        miles=(45_000, 140_000),
        needs="cvt",
    ),
    _job(
        "Transmission shudders lightly at 40 mph.",
        "Transmission fluid dark, filter restricted.",
        "Replaced filter and pan gasket, filled with low-viscosity fluid; shudder gone on the test drive.",
        "FLD-ATF-LV 6.5, FLT-TRN-001 1",
        miles=(60_000, 180_000),
        needs="oil-us truck",
    ),
    # Tires
    _job(
        "Failed the penny test, needs four new tires.",
        "Tread at 2/32 in.",
        "Mounted and balanced four all-season tires, new valve stems, relearned the sensors.",
        "TIR-2155517-AS 4, TIR-VLV-001 4, TIR-WGT-001 0.24",
        miles=(35_000, 180_000),
        needs="tire-215",
    ),
    _job(
        "Front tires are bald on the inside.",
        "Inner shoulder worn through: toe out of range.",
        "Two new tires on the front, four-wheel alignment to specification.",
        "TIR-2254518-AS 2, TIR-WGT-001 0.12",
        miles=(25_000, 160_000),
        needs="tire-225",
    ),
    _job(
        "Want all-terrain tires before hunting season.",
        "Highway tires worn to 3/32 in.",
        "Mounted and balanced four all-terrain tires, torqued the wheels, re-torque advised after 50 miles.",
        "TIR-2657017-AT 4, TIR-WGT-001 0.4, WHL-NUT-M12 2",
        miles=(30_000, 180_000),
        needs="tire-265",
    ),
    _job(
        "Right rear tire goes flat every few days.",
        "Drywall screw in the tread, inside the repairable area.",
        "Plug-patched the tire from inside, balanced, no further leak in the tank.",
        "TIR-PLG-001 1, TIR-WGT-001 0.03",
        miles=(2_000, 250_000),
    ),
    _job(
        "Tire pressure light flashes, then stays on.",
        "Left front sensor not transmitting, battery flat.",
        "Replaced the sensor, programmed it to the car, light off.",
        "TIR-TPMS-001 1",
        miles=(60_000, 200_000),
        needs="engine",
    ),
    # Brakes
    _job(
        "Squealing from the front when braking.",
        "Front pads at 2 mm, rotors below minimum thickness.",
        "Replaced front pads and rotors, cleaned and greased the slides, bedded the brakes in.",
        "BRK-PAD-F-001 1, BRK-ROT-F-001 1, BRK-HDW-001 1, BRK-CLN-001 1, BRK-LUB-001 0.02",
        miles=(30_000, 200_000),
        needs="engine car",
    ),
    _job(
        "Steering wheel shakes when I brake downhill.",
        "Front rotors warped, 0.09 mm run-out.",
        "Replaced front rotors and severe-duty pads, no vibration on the test drive down Lookout Mountain.",
        "BRK-PAD-F-002 1, BRK-ROT-F-002 1, BRK-CLN-001 1, BRK-LUB-001 0.02",
        miles=(30_000, 200_000),
        needs="truck",
    ),
    _job(
        "Brake wear warning on the dash.",
        "Front wear sensor ground through, pads at 3 mm.",
        "Replaced front pads, rotors and wear sensor, reset the service display.",
        "BRK-PAD-F-003 1, BRK-ROT-F-003 1, BRK-SEN-001 1, BRK-CLN-001 1",
        miles=(30_000, 180_000),
        needs="euro",
    ),
    _job(
        "Grinding from the back when I stop.",
        "Rear pads down to metal, rotors scored.",
        "Replaced rear pads and rotors, freed the parking brake, road tested.",
        "BRK-PAD-R-001 1, BRK-ROT-R-001 1, BRK-HDW-001 1, BRK-CLN-001 1",
        miles=(40_000, 200_000),
        needs="engine car",
    ),
    _job(
        "Brake pedal feels spongy.",
        "Brake fluid dark, 3.8 % water.",
        "Flushed the system with DOT 4 until clear, bled all four corners, firm pedal.",
        "FLD-BRK-DOT4 1.0",
        miles=(30_000, 200_000),
    ),
    _job(
        "Pulls to the right when braking, wheel is hot.",
        "Right front caliper seized, hose swollen inside.",
        "Replaced the caliper and hose, bled the brakes, temperatures even on the test drive.",
        "BRK-CAL-F-001 1, BRK-HOS-F-001 1, FLD-BRK-DOT3 0.5, BRK-CLN-001 1",
        miles=(70_000, 260_000),
        needs="engine car",
    ),
    _job(
        "Brake pedal went to the floor this morning.",
        "Rear brake line rusted through above the axle.",
        "Made and fitted a new copper-nickel line, bled the system, checked the other lines.",
        "BRK-LIN-316 2.4, FLD-BRK-DOT3 0.75, BRK-CLN-001 1",
        miles=(110_000, 280_000),
        needs="truck",
    ),
    # Starting, charging, lights
    _job(
        "Battery light on, headlights go dim at idle.",
        "Alternator charges only 12.1 V, belt glazed.",
        "Replaced the alternator and serpentine belt, charging 14.3 V.",
        "ALT-120A-001 1, BLT-SRP-6PK-01 1",
        miles=(80_000, 240_000),
        needs="accessory-belt four car",
    ),
    _job(
        "Just clicks when I turn the key.",
        "Starter solenoid burnt; battery tests good.",
        "Replaced the starter, cleaned the ground strap, made up a new cable end.",
        "STR-14KW-002 1, ELE-WIR-04G 0.6",
        miles=(80_000, 260_000),
        needs="accessory-belt truck",
    ),
    _job(
        "Needed a jump start twice this week.",
        "Battery at 210 CCA of 640.",
        "Replaced the battery and terminals, no parasitic draw found.",
        "BAT-035-FLA 1, BAT-TRM-001 1",
        miles=(30_000, 220_000),
        needs="oil-asian car",
    ),
    _job(
        "Start-stop no longer works and it cranks slowly.",
        "AGM battery worn out.",
        "Replaced the AGM battery and registered it with the car.",
        "BAT-H7-AGM 1",
        miles=(40_000, 180_000),
        needs="oil-euro",
    ),
    _job(
        "One headlight is out.",
        "Left H11 bulb burnt out, the right one gray.",
        "Replaced both low-beam bulbs, adjusted the aim.",
        "BLB-H11-PR 1",
        miles=(30_000, 200_000),
        needs="oil-asian",
    ),
    # Engine
    _job(
        "Check engine light flashes and it shakes at idle.",
        "P0302: misfire on cylinder 2, coil cracked.",
        "Replaced the coil and all four spark plugs, no misfires on the test drive.",
        "IGN-COL-001 1, IGN-PLG-IR-01 4",
        miles=(60_000, 200_000),
        needs="four",
    ),
    _job(
        "Hesitates when accelerating onto the highway.",
        "Spark plugs worn to 1.4 mm gap.",
        "Replaced six iridium plugs, cleaned the throttle body, relearned the idle.",
        "IGN-PLG-IR-02 6, CHM-THR-001 1",
        miles=(80_000, 220_000),
        needs="six",
    ),
    _job(
        "105,000-mile timing belt service.",
        "Timing belt due by mileage, water pump weeping.",
        "Replaced timing belt, tensioner and water pump, filled and bled the cooling system.",
        "TIM-KIT-001 1, WPM-002 1, FLD-CLT-RED 6.2, BLT-SRP-6PK-02 1",
        miles=(90_000, 130_000),
        needs="belt",
    ),
    _job(
        "No record of the timing belt, please do it.",
        "Original belt cracked between the teeth.",
        "Replaced timing belt with all idlers, thermostat and coolant; marks checked twice by hand.",
        "TIM-KIT-002 1, THM-001 1, FLD-CLT-RED 6.0",
        miles=(95_000, 220_000),
        needs="belt-flat",
    ),
    _job(
        "Check engine light is on, drives fine.",
        "P0420 stored once, catalyst monitors pass now; no exhaust leak found.",
        "Diagnosed with scan tool and live data, cleared the code, advised to return if it comes back. No parts needed.",
        miles=(40_000, 220_000),
        needs="engine",
    ),
    _job(
        "Check engine light after filling up.",
        "P0455: fuel cap left loose, smoke test shows no leak.",
        "Tightened the cap, cleared the code, ran the EVAP self-test: passed.",
        miles=(5_000, 220_000),
        needs="engine",
    ),
    _job(
        "Hard to start right after refueling.",
        "P0496: purge valve stuck open.",
        "Replaced the purge valve and brittle vacuum hose, EVAP test passed.",
        "EVP-PRG-001 1, HOS-VAC-004 0.5",
        miles=(50_000, 200_000),
        needs="oil-us",
    ),
    _job(
        "Burning smell and oil spots in the driveway.",
        "Valve cover gasket leaks onto the exhaust manifold.",
        "Replaced the gasket set, cleaned the engine, no leak after a 20-minute run.",
        "GSK-VLV-001 1, CHM-RTV-001 1, BRK-CLN-001 1",
        miles=(90_000, 260_000),
        needs="four",
    ),
    _job(
        "Squeals at cold start.",
        "Serpentine belt cracked, tensioner weak.",
        "Replaced belt and tensioner, quiet on a cold start.",
        "BLT-SRP-6PK-02 1, BLT-TEN-001 1",
        miles=(70_000, 220_000),
        needs="accessory-belt six",
    ),
    # Cooling, heating, air conditioning
    _job(
        "Temperature gauge climbs in traffic on I-70.",
        "Radiator leaks at the side tank, upper hose soft.",
        "Replaced radiator, cap and hoses, bled the system, fan cycles as it should.",
        "RAD-001 1, RAD-CAP-001 1, HOS-RAD-032 0.9, CLM-HOS-032 4, FLD-CLT-ORG 7.5",
        miles=(90_000, 240_000),
        needs="oil-us",
    ),
    _job(
        "Heater only blows lukewarm.",
        "Thermostat stuck open, engine never above 160 °F.",
        "Replaced the thermostat, filled coolant, 144 °F at the vents.",
        "THM-001 1, FLD-CLT-VIO 3.5",
        miles=(60_000, 200_000),
        needs="oil-euro",
    ),
    _job(
        "A/C blows warm.",
        "System 0.3 kg low, old O-rings at the service port.",
        "Replaced O-rings and valve cores, evacuated, recharged with 0.55 kg R-134a and dye; 43 °F at the vents.",
        "REF-134A 0.55, REF-PAG-046 0.03, REF-DYE-001 1, AC-ORG-001 1",
        miles=(40_000, 220_000),
        needs="r134a",
    ),
    _job(
        "No cold air since a rock hit the grille.",
        "Condenser punctured.",
        "Replaced the condenser, evacuated, recharged with 0.5 kg R-1234yf, leak test passed.",
        "AC-CND-001 1, REF-1234YF 0.5, REF-PAG-046 0.04, AC-ORG-001 1",
        miles=(10_000, 150_000),
        needs="r1234yf",
    ),
    # Chassis and driveline
    _job(
        "Humming that gets louder with speed.",
        "Left front wheel bearing rough and loose.",
        "Replaced the hub and bearing, torqued the axle nut, quiet at 65 mph.",
        "HUB-F-001 1",
        miles=(70_000, 240_000),
        needs="engine car",
    ),
    _job(
        "Clunks over speed bumps.",
        "Front sway bar links loose, bushings worn.",
        "Replaced links and bushings, no noise over the test bumps.",
        "SUS-LNK-F-001 1, SUS-BSH-F-001 1",
        miles=(60_000, 220_000),
    ),
    _job(
        "Wanders on the highway, feels loose.",
        "Play in both outer tie rod ends and the right ball joint.",
        "Replaced tie rod ends and ball joint, greased, aligned the front end.",
        "STE-TRE-001 2, SUS-BJT-F-001 1, CHM-GRS-LIT 0.1",
        miles=(80_000, 260_000),
        needs="truck",
    ),
    _job(
        "Clicking when turning left out of the driveway.",
        "Outer CV joint worn, boot torn.",
        "Replaced the right front axle shaft, topped up transfer gear oil.",
        "AXL-CV-F-001 1, FLD-GER-75W90 0.4",
        miles=(80_000, 240_000),
        needs="engine car awd",
    ),
    _job(
        "Clutch slips in fourth gear uphill.",
        "Clutch disc worn to the rivets.",
        "Replaced clutch kit and slave cylinder, new gearbox oil, bled the hydraulics.",
        "CLU-KIT-001 1, CLU-SLV-001 1, FLD-MTF-75W80 2.3, FLD-BRK-DOT4 0.25",
        miles=(70_000, 200_000),
        needs="manual",
    ),
    _job(
        "Groans when parking, red puddle in front.",
        "Power steering return hose split.",
        "Cut and fitted a new return hose, flushed and bled the steering.",
        "HOS-PSR-010 0.8, CLM-HOS-032 2, FLD-PSF-001 1.2",
        miles=(90_000, 260_000),
        needs="hydraulic",
    ),
)
