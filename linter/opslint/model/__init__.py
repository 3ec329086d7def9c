"""Facts → DeploymentModel: environments, services, workloads, variables, resources, pipelines and their links."""
