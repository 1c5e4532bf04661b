"""Who comes to the demo garage, with which car, and who logs in."""

from dataclasses import dataclass, field

from customers.models import Customer, Vehicle

from . import catalog
from .calendar import DAY
from .catalog import CarModel, Dice

PASSWORD = "Try-the-garage-1"  # noqa: S105 - for the demo, and in the README
LOGINS = {role: f"{role}@example.com" for role in ("manager", "advisor", "mechanic", "customer")}
CUSTOMERS, CARS = 60, 90


@dataclass
class Car:
    kind: CarModel  # decides which work makes sense
    make: str = ""
    model: str = ""
    year: int | None = None
    plate: str = ""
    vin: str = ""
    color: str = ""
    miles: int = 60_000  # today
    miles_a_day: int = 30
    row: Vehicle | None = None

    def miles_at(self, t: int) -> int:
        return max(50, self.miles + self.miles_a_day * t // DAY)


@dataclass
class Client:
    name: str
    email: str = ""
    phone: str = ""
    address: str = ""
    notes: str = ""
    cars: list[Car] = field(default_factory=list)
    has_login: bool = False
    row: Customer | None = None


# What the front desk really gets to write down: numbers without an area code, VINs that
# are none.
ODD_CLIENTS = (
    Client("John Doe", phone="555-0171", notes="Pays cash, no e-mail."),
    Client("Jane Doe", "jane@example.com", "555-014-7565"),
    Client("Alice", "alice@example.com"),
    Client("Pat Example", phone="5550157713"),
    Client(
        "Margie McFly", phone="555-014-1239 (evenings)", address="123 Main St, Denver, CO 80202"
    ),
    Client("John Jay", phone="+15550150555", address="Street 5"),
)
ODD_CARS = (
    ("Honda", "Accord EX-L", 2020, "", "1HGCM82633A123456", "Metallic Silver"),
    ("Ford", "F-150", None, "ABC123", "", ""),
    ("Chevrolet", "Impala", 2005, "", "", ""),
    ("Toyota", "Camry", 2020, "", "123456789", ""),
    ("Toyota", "Corolla", 2023, "abc-1234", "", "Prata"),
    ("", "", None, "", "adsklfjhao56448", ""),
)
SOME_CAR = CarModel("", "", "", 0, 0, (), "", frozenset({"car"}))


def make_clients(dice: Dice, scale: int) -> list[Client]:
    """Everybody who has ever come, each with their cars; the first one logs in."""
    me = Client(
        "Robin Alvarado",
        LOGINS["customer"],
        "(303) 555-0119",
        "4127 Columbine Loop, Denver, CO 80205",
        has_login=True,
    )
    odd = [
        Client(each.name, each.email, each.phone, each.address, each.notes) for each in ODD_CLIENTS
    ]
    others = make_others(dice, CUSTOMERS * scale - len(odd) - 1)
    for client, details in zip(odd, ODD_CARS, strict=True):
        client.cars.append(Car(SOME_CAR, *details))
    cars = [make_car(dice, serial) for serial in range(CARS * scale - len(odd))]
    for owner in (me, me, *others[: -2 * scale]):  # the last ones never said what they drive
        owner.cars.append(cars.pop())
    for car in cars:
        dice.pick(others[: -2 * scale]).cars.append(car)
    return [me, *odd, *others]


def make_others(dice: Dice, count: int) -> list[Client]:
    """So many people, of whom no two share an e-mail address or a telephone number;
    every fifth left no e-mail.
    """
    found: list[Client] = []
    while len(found) < count:
        turn = len(found) // 240
        for place, person in enumerate(catalog.make_people(dice, min(count - len(found), 240))):
            email, phone = person.email, person.phone
            # the catalog's names and numbers are used up: go on with other mailboxes
            # and area codes
            if turn:
                email = email.replace("@", f".{turn + 1}@")
                phone = f"({401 + turn * 3 + place // 100}) 555-01{place % 100:02}"
            found.append(
                Client(person.name, "" if dice.chance(0.2) else email, phone, person.address)
            )
    return found


def make_car(dice: Dice, serial: int) -> Car:
    """The next car of the demo. One more throw of the dice changes all later ones."""
    kind = dice.pick(catalog.VEHICLES)
    year = dice.between(kind.first_year, kind.last_year)
    vin = catalog.make_vin(kind.vin_prefix, year, 1_000 + 7 * serial)
    miles = catalog.make_odometer(dice, 2026 - year)
    plate = catalog.make_plate(dice)
    return Car(
        kind,
        make=kind.make,
        model=kind.model,
        year=year,
        plate=plate,
        vin=as_read(dice, vin),
        color=dice.pick(kind.colors),
        miles=miles,
        miles_a_day=dice.between(15, 35),
    )


def as_read(dice: Dice, vin: str) -> str:
    """The VIN as the front desk wrote it: mostly right, else with the letter O, one
    character short, misread, or not at all.
    """
    misread = vin[:8] + ("3" if vin[8] == "8" else "8") + vin[9:]
    return dice.weighted(
        [(vin, 70), (vin.replace("0", "O"), 8), (vin[1:], 6), (misread, 6), ("", 10)]
    )
