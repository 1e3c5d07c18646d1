module heddle.dev/tools/definitions

go 1.24.0

// Definitions of kinds that Heddle's charts make: HTTPRoute; ServiceMonitor and PodMonitor.
require (
	github.com/prometheus-operator/prometheus-operator v0.85.0
	sigs.k8s.io/gateway-api v1.4.1
)
