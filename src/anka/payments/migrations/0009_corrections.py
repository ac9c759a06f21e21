"""Lets a decision about a difference name the journal it posted."""

from django.db import migrations

from anka.core.schema import read_sql


class Migration(migrations.Migration):
    """What was corrected, beside the difference and on the step that did it."""

    dependencies = [("payments", "0008_by_hand")]
    operations = [migrations.RunSQL(read_sql("payments", "0009_corrections.sql"))]
