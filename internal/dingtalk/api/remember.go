package api

// remember puts a value into a map of at most limit entries. Where a new one finds no room, some
// other is forgotten.
func remember[V any](m *map[string]V, limit int, key string, value V) {
	if *m == nil {
		*m = make(map[string]V)
	}
	if _, known := (*m)[key]; !known && len(*m) >= limit {
		for forgotten := range *m {
			delete(*m, forgotten)
			break
		}
	}
	(*m)[key] = value
}
