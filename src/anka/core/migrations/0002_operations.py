"""Creates what running an installation needs: worker heartbeats, former checkpoint keys, retired key-encryption keys."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Tables, checks and triggers."""

    dependencies = [("core", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("core", "0002_operations.sql"))]
