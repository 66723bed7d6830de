package wire_test

import (
	"testing"

	"github.com/c4342123/rollcall/internal/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }
