package budget

import (
	"context"
	"errors"
	"time"
)

// zoneKey is where it is kept where the service's months begin.
const zoneKey = "zone"

// zone is what is stored there: the name of a time zone.
type zone struct {
	Name string `json:"name"`
}

// tellZone stores where months begin, for programs that are not told by their settings.
func (u *Usage) tellZone(ctx context.Context) error {
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	var stored zone
	revision, err := u.store.load(ctx, zoneKey, &stored)
	own := u.opts.Location.String()
	if err != nil || stored.Name == own {
		return err
	}
	if _, err = u.store.save(ctx, zoneKey, zone{own}, revision); errors.Is(err, errConflict) {
		return nil // another replica was first
	}
	return err
}

// followZone takes over where the service's months begin. Until that is stored, by a name that is
// known here, it stays as it is.
func (u *Usage) followZone(ctx context.Context) error {
	var stored zone
	if _, err := u.store.load(ctx, zoneKey, &stored); err != nil || stored.Name == "" {
		return err
	}
	location, err := time.LoadLocation(stored.Name)
	if err != nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.opts.Location = location
	return nil
}
