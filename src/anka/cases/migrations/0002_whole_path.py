"""Gives a case a life of its own: asks, answers, offers, evidence, rulings, and a receipt per judgement."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """Columns of cases_case and cases_receipt; tables of answers, offers, evidence, rulings."""

    dependencies = [("cases", "0001_tables"), ("orders", "0002_whole_path")]
    operations = [migrations.RunSQL(read_sql("cases", "0002_whole_path.sql"))]
