"""Before the release of a deployment is built, which takes minutes: what is sure to refuse the deployment refuses it now."""

from aws import environment, run, session
from deploy_to_aws import parameters, ready, template


def main() -> None:
    parameters(template())
    found = session()
    ready(found, environment(found))


if __name__ == "__main__":
    run("deploy", main)
