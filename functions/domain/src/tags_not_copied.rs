//! The tags with which other tools identify the resources that they own, change or delete. If such a tag were copied to a snapshot,
//! destroying a cluster could delete its backups too.

use crate::Error;

/// Tag keys. A key that ends with `*` stands for every key with that prefix.
const KNOWN: [&str; 23] = [
    // Kubernetes cloud provider and EBS CSI driver (kubernetes-sigs/aws-ebs-csi-driver, docs/example-iam-policy.json: ec2:DeleteSnapshot).
    "kubernetes.io/cluster/*",
    "kubernetes.io/created-for/*",
    "KubernetesCluster",
    "ebs.csi.aws.com/*",
    "CSIVolumeName",
    "CSIVolumeSnapshotName",
    // EKS, its nodes, eksctl.
    "eks:*",
    "eks.amazonaws.com/*",
    "alpha.eksctl.io/*",
    "eksctl.cluster.k8s.io/*",
    // kops, Karpenter, Cluster API, Red Hat OpenShift Service on AWS.
    "k8s.io/*",
    "kops.k8s.io/*",
    "karpenter.sh/*",
    "karpenter.k8s.aws/*",
    "sigs.k8s.io/*",
    "red-hat-*",
    // EMR, Elastic Beanstalk, ParallelCluster, Data Lifecycle Manager.
    "for-use-with-amazon-emr-managed-policies",
    "elasticbeanstalk:*",
    "parallelcluster:*",
    "dlm:*",
    // Elastic Disaster Recovery and Application Migration Service.
    "AWSElasticDisasterRecoveryManaged",
    "AWSApplicationMigrationServiceManaged",
    // Cloud Custodian: marks a resource for deletion.
    "maid_status",
];

/// The keys that are never copied, neither from a volume to its snapshots nor from a snapshot to a restored volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagsNotCopied(Vec<String>);

impl TagsNotCopied {
    /// Parses the parameter `TagsNotCopied`, a comma-separated list of additional patterns.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] for a pattern with a `*` anywhere except at its end, and for `*` alone.
    pub fn read(parameter: &str) -> Result<Self, Error> {
        let own = parameter.split(',').map(str::trim).filter(|pattern| !pattern.is_empty());
        let all: Vec<String> = KNOWN.into_iter().chain(own).map(str::to_owned).collect();
        match all.iter().find(|pattern| *pattern == "*" || pattern.trim_end_matches('*').contains('*')) {
            Some(wrong) => Err(Error::bad_input(
                "TagsNotCopied",
                format!("{wrong:?}"),
                "must be a tag key, or the start of one followed by *, such as team/*",
            )),
            None => Ok(Self(all)),
        }
    }

    pub fn contains(&self, key: &str) -> bool {
        self.0.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => key.starts_with(beginning),
            None => key == pattern,
        })
    }
}

impl Default for TagsNotCopied {
    fn default() -> Self {
        Self(KNOWN.map(str::to_owned).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_by_which_a_cluster_owns_its_volumes_is_foreign() {
        let foreign = TagsNotCopied::default();
        for key in [
            "kubernetes.io/cluster/prod",
            "KubernetesCluster",
            "ebs.csi.aws.com/cluster",
            "CSIVolumeName",
            "dlm:managed",
        ] {
            assert!(foreign.contains(key), "{key}");
        }
        for key in ["Name", "Team", "kubernetes.io/role", "CSIVolumeNames", "CostCenter"] {
            assert!(!foreign.contains(key), "{key}");
        }
    }

    #[test]
    fn the_parameter_adds_patterns_and_takes_none_away() {
        let foreign = TagsNotCopied::read("team/*, Owner").unwrap();
        for key in ["team/a", "Owner", "KubernetesCluster"] {
            assert!(foreign.contains(key), "{key}");
        }
        assert!(!foreign.contains("Owners"));
        assert_eq!(TagsNotCopied::read("").unwrap(), TagsNotCopied::default());
        for wrong in ["*", "a*b", "a**b*"] {
            let refused = TagsNotCopied::read(wrong).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("BadInput: TagsNotCopied \"{wrong}\" must")), "{refused}");
        }
    }
}
