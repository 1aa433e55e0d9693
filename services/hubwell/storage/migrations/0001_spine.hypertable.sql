SELECT create_hypertable('reading', 'time', chunk_time_interval => interval '7 days', create_default_indexes => false);
