"""The one Piccolo app: a single migration history for every feature, in `migrations/`."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

APP_CONFIG = AppConfig(
    app_name="kolme",
    migrations_folder_path=str(Path(__file__).resolve().parent.parent / "migrations"),
)
