"""Where Piccolo's tools find the engine and the apps (`PICCOLO_CONF=app.piccolo_conf`)."""

from piccolo.conf.apps import AppRegistry

from app.kernel.db import engine

DB = engine
APP_REGISTRY = AppRegistry(apps=["app.piccolo_app"])
