"""Adds what issuers say, tries of key checks, and keys of more than one merchant."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """The tables vault_issuer_answer, vault_key_check and vault_duplicate, and the index that finds one key in two shops."""

    dependencies = [("vault", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("vault", "0002_issuer.sql"))]
