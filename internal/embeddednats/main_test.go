package embeddednats

import (
	"context"
	"os"
	"testing"

	"github.com/c4342123/rollcall/internal/testchild"
	"github.com/c4342123/rollcall/internal/testleak"
)

// childDir names the store directory for a re-executed test binary, which then is a server and nothing else.
const childDir = "ROLLCALL_TEST_EMBEDDEDNATS_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(testchild.Serve(Start(context.Background(), Options{StoreDir: dir, Listen: "127.0.0.1:0"})))
	}
	testleak.Main(m)
}
