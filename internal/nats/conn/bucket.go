package conn

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// bucketAttempts bounds the rounds of looking and creating when several programs start at the same
// moment.
const bucketAttempts = 5

// Bucket opens a key-value bucket, and makes it when there is none. One that exists gets the TTL
// that is asked for, and never fewer copies than it has: a command that only reads does not know
// how many the service wants.
func Bucket(ctx context.Context, js jetstream.JetStream, cfg jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	for range bucketAttempts {
		kv, err := js.KeyValue(ctx, cfg.Bucket)
		if err == nil {
			return adoptBucket(ctx, js, kv, cfg)
		}
		if !errors.Is(err, jetstream.ErrBucketNotFound) {
			return nil, fmt.Errorf("open bucket %s: %w", cfg.Bucket, err)
		}
		kv, err = js.CreateKeyValue(ctx, cfg)
		if err == nil {
			return kv, nil
		}
		if !errors.Is(err, jetstream.ErrBucketExists) {
			return nil, fmt.Errorf("create bucket %s: %w", cfg.Bucket, err)
		}
	}
	return nil, fmt.Errorf("bucket %s is neither there nor can it be created", cfg.Bucket)
}

func adoptBucket(ctx context.Context, js jetstream.JetStream, kv jetstream.KeyValue, cfg jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	status, err := kv.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at bucket %s: %w", cfg.Bucket, err)
	}
	have := status.Config()
	if have.Replicas >= cfg.Replicas && have.TTL == cfg.TTL {
		return kv, nil
	}
	cfg.Replicas = max(have.Replicas, cfg.Replicas)
	if kv, err = js.UpdateKeyValue(ctx, cfg); err != nil {
		return nil, fmt.Errorf("update bucket %s: %w", cfg.Bucket, err)
	}
	return kv, nil
}
