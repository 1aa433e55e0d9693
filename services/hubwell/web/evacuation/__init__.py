"""Pages for OSH officers: an evacuation, its roll and its report."""
