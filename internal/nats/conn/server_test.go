package conn_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// serve runs a real server until the test ends.
func serve(t *testing.T, options server.Options) *server.Server {
	t.Helper()
	if options.Port == 0 {
		options.Port = portOf(t, port.Free(t)) // it may be needed once more
	}
	options.Host, options.NoLog, options.NoSigs = "127.0.0.1", true, true
	running, err := server.NewServer(&options)
	require.NoError(t, err)
	running.Start()
	t.Cleanup(func() {
		running.Shutdown()
		running.WaitForShutdown()
	})
	require.True(t, running.ReadyForConnections(patience))
	return running
}

// patience is how long a test waits for what has to happen, however busy the machine is.
const patience = time.Minute

// portOf is the number of the port in an address.
func portOf(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	require.NoError(t, err)
	number, err := strconv.Atoi(text)
	require.NoError(t, err)
	return number
}

// connect connects until the test ends.
func connect(t *testing.T, settings config.NATS, options conn.Options) (*nats.Conn, error) {
	t.Helper()
	closed := make(chan struct{})
	options.Extra = append(options.Extra, nats.ClosedHandler(func(*nats.Conn) { close(closed) }), nats.Timeout(patience))
	conn, err := conn.Connect(t.Context(), settings, options)
	if err == nil {
		t.Cleanup(func() {
			conn.Close()
			<-closed
		})
	}
	return conn, err
}

// works asserts that a message goes round.
func works(t *testing.T, conn *nats.Conn) {
	t.Helper()
	sub, err := conn.SubscribeSync("test")
	require.NoError(t, err)
	require.NoError(t, conn.Publish("test", []byte("hello")))
	message, err := sub.NextMsg(patience)
	require.NoError(t, err)
	require.Equal(t, "hello", string(message.Data))
}

func servers(running *server.Server) config.Servers { return config.Servers{running.ClientURL()} }

// write writes a file for the test and returns its path.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// authority is a certificate authority made for the test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // PEM
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true,
		NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return authority{cert, key, write(t, "ca.pem", block("CERTIFICATE", der))}
}

// issue returns the files of a certificate for 127.0.0.1 and of its key.
func (a authority) issue(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return write(t, "cert.pem", block("CERTIFICATE", der)), write(t, "key.pem", block("PRIVATE KEY", raw))
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// withTLS makes a server use TLS, and demand a certificate of its clients if mutual.
func (a authority) withTLS(t *testing.T, options server.Options, mutual bool) server.Options {
	t.Helper()
	certFile, keyFile := a.issue(t)
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	options.TLS, options.TLSTimeout = true, 5
	options.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: pool, MinVersion: tls.VersionTLS12}
	if mutual {
		options.TLSVerify = true
		options.TLSConfig.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return options
}

// newSeed returns an NKey of a user: its public key and the file with its seed.
func newSeed(t *testing.T) (public, file string) {
	t.Helper()
	user, err := nkeys.CreateUser()
	require.NoError(t, err)
	public, err = user.PublicKey()
	require.NoError(t, err)
	seed, err := user.Seed()
	require.NoError(t, err)
	return public, write(t, "seed.nk", seed)
}

// decentral is a server whose users are proved by JWTs: what it is run with, and one user's JWT and
// seed.
func decentral(t *testing.T) (options server.Options, userJWT string, seed []byte) {
	t.Helper()
	keyPair := func(create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
		pair, err := create()
		require.NoError(t, err)
		public, err := pair.PublicKey()
		require.NoError(t, err)
		return pair, public
	}
	operator, operatorKey := keyPair(nkeys.CreateOperator)
	account, accountKey := keyPair(nkeys.CreateAccount)
	user, userKey := keyPair(nkeys.CreateUser)

	operatorClaims := jwt.NewOperatorClaims(operatorKey)
	operatorJWT, err := operatorClaims.Encode(operator)
	require.NoError(t, err)
	trusted, err := jwt.DecodeOperatorClaims(operatorJWT)
	require.NoError(t, err)
	accountJWT, err := jwt.NewAccountClaims(accountKey).Encode(operator)
	require.NoError(t, err)
	userJWT, err = jwt.NewUserClaims(userKey).Encode(account)
	require.NoError(t, err)
	seed, err = user.Seed()
	require.NoError(t, err)

	resolver := &server.MemAccResolver{}
	require.NoError(t, resolver.Store(accountKey, accountJWT))
	return server.Options{TrustedOperators: []*jwt.OperatorClaims{trusted}, AccountResolver: resolver}, userJWT, seed
}

// credsFile writes a credentials file as nsc does.
func credsFile(t *testing.T, userJWT string, seed []byte) string {
	t.Helper()
	content, err := jwt.FormatUserConfig(userJWT, seed)
	require.NoError(t, err)
	return write(t, "user.creds", content)
}

// log is a logger's output that can be read while it grows.
type log struct {
	mu  sync.Mutex
	out bytes.Buffer
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

// String returns what was logged so far.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

func (l *log) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
