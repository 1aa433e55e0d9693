-- Plans of floors, and where on them spaces are. A picture is what Hubwell made of an upload, never the upload itself.
CREATE TABLE floor_plan (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL CONSTRAINT floor_plan_name_short CHECK (length(name) BETWEEN 1 AND 60),
    position   int NOT NULL,
    media_type text NOT NULL CONSTRAINT floor_plan_type_known CHECK (media_type IN ('image/webp', 'image/svg+xml')),
    width      int NOT NULL CONSTRAINT floor_plan_width_possible CHECK (width BETWEEN 1 AND 2400),
    height     int NOT NULL CONSTRAINT floor_plan_height_possible CHECK (height BETWEEN 1 AND 2400),
    is_paper   boolean NOT NULL,
    digest     text NOT NULL CONSTRAINT floor_plan_digest_written CHECK (digest ~ '^[0-9a-f]{64}$'),
    picture    bytea NOT NULL CONSTRAINT floor_plan_picture_small CHECK (octet_length(picture) BETWEEN 1 AND 4194304)
);
CREATE UNIQUE INDEX floor_plan_one_name ON floor_plan (lower(name));
COMMENT ON COLUMN floor_plan.is_paper IS 'mostly white: dark pages show it inverted';
COMMENT ON COLUMN floor_plan.digest IS 'SHA-256 of the picture, in its address: browsers keep the picture for good';

-- x and y are per cent of the picture, from its left and from its top.
CREATE TABLE space_place (
    space_id hub_id PRIMARY KEY REFERENCES space ON DELETE CASCADE,
    plan_id  int NOT NULL REFERENCES floor_plan ON DELETE CASCADE,
    x        numeric(5, 2) NOT NULL CONSTRAINT space_place_x_inside CHECK (x BETWEEN 0 AND 100),
    y        numeric(5, 2) NOT NULL CONSTRAINT space_place_y_inside CHECK (y BETWEEN 0 AND 100)
);
