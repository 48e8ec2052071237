-- When a device last asked something, to a minute: what its person is shown, and nothing else looks at it.
ALTER TABLE devices ADD COLUMN last_used INTEGER;
