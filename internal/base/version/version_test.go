package version

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestString(t *testing.T) {
	assert.NotEmpty(t, String())
	release = "v1.2.3"
	t.Cleanup(func() { release = "" })
	assert.Equal(t, "v1.2.3", String())
}
