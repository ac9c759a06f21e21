"""People, shops, who works where, and API tokens. Plain Django models: these tables are small and read by pages and forms."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from anka.core.numbers import SHOP_CODE


class People(BaseUserManager["Person"]):
    """Finds people by the name they sign in with."""


class Person(AbstractBaseUser):
    """Somebody who can sign in: buyer always, merchant or staff by membership or role."""

    username = models.CharField(max_length=40, unique=True)
    display_name = models.CharField(max_length=40)
    language = models.CharField(max_length=8, default="zh-hans")
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField()

    USERNAME_FIELD = "username"
    objects = People()


class Shop(models.Model):
    """A merchant's shop. `code` stands at the front of every public number of its orders, cases and refunds."""

    code = models.CharField(max_length=6, unique=True)
    name_zh = models.CharField(max_length=40)
    name_en = models.CharField(max_length=60)
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="owned_shops")
    commission_basis_points = models.PositiveIntegerField(default=500)
    opened_at = models.DateTimeField()
    is_open = models.BooleanField(default=True)

    class Meta:
        """The code is what numbers begin with, so its form is fixed in the database too."""

        constraints = (models.CheckConstraint(condition=models.Q(code__regex=f"^{SHOP_CODE.pattern}$"), name="shop_code_form"),)


class Membership(models.Model):
    """A person working for a shop."""

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=(("owner", "owner"), ("staff", "staff")))

    class Meta:
        """One role per person and shop."""

        constraints = (models.UniqueConstraint(fields=("shop", "person"), name="one_membership"),)


class StaffRole(models.Model):
    """A person working for the platform."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="staff_roles")
    role = models.CharField(max_length=16, choices=tuple((name, name) for name in ("agent", "arbiter", "finance", "admin")))

    class Meta:
        """Each role once per person."""

        constraints = (models.UniqueConstraint(fields=("person", "role"), name="one_staff_role"),)


class Token(models.Model):
    """An API token. The token itself is signed and never stored; this row only says that it still counts."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="tokens")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
