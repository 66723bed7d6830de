package service

import (
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/face/access"
	"github.com/c4342123/rollcall/internal/testing/release"
)

// descriptions are of whatever is registered.
type descriptions []*prometheus.Desc

var _ prometheus.Registerer = (*descriptions)(nil)

func (d *descriptions) Register(c prometheus.Collector) error {
	found := make(chan *prometheus.Desc)
	go func() { c.Describe(found); close(found) }()
	for each := range found {
		*d = append(*d, each)
	}
	return nil
}

func (d *descriptions) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		_ = d.Register(c)
	}
}

func (d *descriptions) Unregister(prometheus.Collector) bool { return false }

// descriptionParts matches the only form in which prometheus tells what a description says.
var descriptionParts = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)

// TestGoldenMetrics takes every metric and its labels from what the service registers.
func TestGoldenMetrics(t *testing.T) {
	s := &service{access: new(access.Access)}
	var err error
	s.pushes, err = s.newPushes()
	require.NoError(t, err)
	var all descriptions
	s.measure(&all)
	var lines []string
	for _, each := range all {
		parts := descriptionParts.FindStringSubmatch(each.String())
		require.NotNil(t, parts, each)
		line := parts[1]
		if parts[2] != "" {
			line += " by " + parts[2]
		}
		lines = append(lines, line)
	}
	release.Compare(t, "metrics", lines)
}
