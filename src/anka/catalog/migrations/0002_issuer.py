"""Lets a product name its issuer."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """The column catalog_product.issuer."""

    dependencies = [("catalog", "0001_tables")]
    operations = [migrations.RunSQL(read_sql("catalog", "0002_issuer.sql"))]
