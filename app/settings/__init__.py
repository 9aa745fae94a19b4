"""Everything an operator can set, read once into one frozen object.

| file | holds |
|---|---|
| `shapes.py` | the object, and the error that is one sentence for the operator |
| `values.py` | how single values are read |
| `secret_files.py` | secrets, which are files |
| `doors.py` | mail, SMS, bank, register, card, MobilePay, print; the operator |
| `loading.py` | all of it together: `load`, and the supervisor's first `look` |
"""

from app.settings.loading import ROOT, SMS_A_DAY_MAX, load, look
from app.settings.secret_files import (
    MASTER_SECRET_BYTES_MIN,
    WELL_KNOWN_TEST_SECRET,
    master_files,
    write_master_secret,
)
from app.settings.shapes import (
    BANK_COUNTRIES,
    BANK_KEYS,
    SANDBOX_OPERATOR,
    Asked,
    BankDoor,
    CardDoor,
    MailDoor,
    MobilePayDoor,
    Mode,
    Network,
    Operator,
    RegisterDoor,
    Settings,
    SettingsError,
    SmsDoor,
)

__all__ = [
    "BANK_COUNTRIES",
    "BANK_KEYS",
    "MASTER_SECRET_BYTES_MIN",
    "ROOT",
    "SANDBOX_OPERATOR",
    "SMS_A_DAY_MAX",
    "WELL_KNOWN_TEST_SECRET",
    "Asked",
    "BankDoor",
    "CardDoor",
    "MailDoor",
    "MobilePayDoor",
    "Mode",
    "Network",
    "Operator",
    "RegisterDoor",
    "Settings",
    "SettingsError",
    "SmsDoor",
    "load",
    "look",
    "master_files",
    "write_master_secret",
]
