"""The addition to moto's Service Quotas."""

import unittest

import harness  # noqa: F401  It makes the additions importable.
import moto_additions
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend

SNAPSHOTS = ("ebs", "L-309BACF6")


class ServiceQuotas(unittest.TestCase):
    def setUp(self):
        self.backend = ServiceQuotasBackend("us-east-1", "123456789012")

    def test_moto_lacks_the_quota_of_snapshots(self):
        with self.assertRaises(NoSuchResource):
            moto_additions.plain_quota(self.backend, *SNAPSHOTS)

    def test_the_quota_of_snapshots_is_there_beside_those_of_moto(self):
        self.assertEqual(moto_additions.quota(self.backend, *SNAPSHOTS)["Value"], 100_000)
        self.assertEqual(moto_additions.quota(self.backend, "vpc", "L-2AFB9258")["ServiceCode"], "vpc")


if __name__ == "__main__":
    unittest.main()
