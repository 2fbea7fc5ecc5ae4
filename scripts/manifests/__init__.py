"""The Helm chart, rendered by Helm itself and held against the schemas of Kubernetes, KEDA and Prometheus Operator."""
