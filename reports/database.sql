-- The tables of `--db`. Times are in seconds of virtual time, null where there was
-- no such instant; `started_at` and `ended_at` are UTC. Booleans are 0 and 1.
create table runs (
        id integer primary key,
        key text not null,          -- the same for runs that are to give the same bytes
        scenario text not null,     -- base name of the file
        title text not null,
        scenario_digest text not null,
        seed text not null,         -- unsigned, 64 bits
        strategy text not null,
        strategy_digest text not null,
        comparison integer,         -- of an A/B run: the row of its first strategy
        first_replication integer not null,
        replications integer not null, -- wanted
        version text not null,
        command text not null,      -- repeats it
        folder text not null,       -- where its files went
        started_at text not null,
        ended_at text,
        state text not null check (state in ('running', 'interrupted', 'finished')),
        outcome text,
        exit_code integer,
        wall_seconds real,
        virtual_seconds real,
        requests integer,
        events integer
);
create index runs_by_key on runs (key);
create table replications (
        run_id integer not null references runs (id) on delete cascade,
        replication integer not null,
        interrupted integer not null,
        record blob,                -- ours, until the run has ended
        primary key (run_id, replication)
) without rowid;
create table arms (
        run_id integer not null,
        replication integer not null,
        arm text not null,
        ended real not null,        -- length of the measured part
        requests integer not null,
        failed_requests real,
        bad_seconds real,
        availability real,
        incidents real,
        time_to_restore real,
        human_pages real,
        cost real,                  -- null: nothing is priced
        primary key (run_id, replication, arm),
        foreign key (run_id, replication) references replications (run_id, replication)
                on delete cascade
) without rowid;
create table incidents (
        id integer primary key,
        run_id integer not null,
        replication integer not null,
        arm text not null,
        service text not null,
        user_visible integer not null,
        fault real,                 -- f: the first attributed fault was injected
        onset real not null,        -- o
        detected real,              -- d
        acted real,                 -- a
        restored real,              -- r; null: open at the end
        bad_requests integer not null,
        requests integer not null,
        faults text not null,       -- their names, as a JSON list
        failure_type text not null,
        severity text not null,
        fate text,                  -- what became of it with healing
        foreign key (run_id, replication, arm) references arms (run_id, replication, arm)
                on delete cascade
);
create index incidents_by_arm on incidents (run_id, replication, arm);
create table episodes (
        id integer primary key,
        run_id integer not null,
        replication integer not null,
        arm text not null,
        episode integer,            -- the healer's number
        service text not null,
        failure_type text not null,
        severity text not null,
        opened real,
        acted real,
        ended real,
        alarms integer not null,
        actions integer not null,
        truth text not null,        -- what was really there: nothing, latent, impact
        claimed integer not null,
        verified integer not null,
        failed integer not null,
        healed integer,             -- by the truth; null: nothing to judge
        root_cause_right integer,
        foreign key (run_id, replication, arm) references arms (run_id, replication, arm)
                on delete cascade
);
create index episodes_by_arm on episodes (run_id, replication, arm);
create table actions (
        id integer primary key,
        run_id integer not null,
        replication integer not null,
        arm text not null,
        episode integer,
        action text not null,
        service text not null,
        instance integer,
        started real not null,
        finished real,
        ok integer,
        preventive integer not null,
        held_back integer not null,
        false_action integer not null,
        right_target integer,
        right_action integer,
        foreign key (run_id, replication, arm) references arms (run_id, replication, arm)
                on delete cascade
);
create index actions_by_arm on actions (run_id, replication, arm);
create table predictions (
        id integer primary key,
        run_id integer not null,
        replication integer not null,
        arm text not null,
        service text not null,
        failure_type text not null,
        said real not null,
        confidence real,
        expected real,              -- when it was to happen
        onset real,                 -- when it did
        outcome text not null,      -- true, false, during, unevaluable
        foreign key (run_id, replication, arm) references arms (run_id, replication, arm)
                on delete cascade
);
create index predictions_by_arm on predictions (run_id, replication, arm);
create table metrics (
        run_id integer not null references runs (id) on delete cascade,
        arm text not null,
        metric text not null,
        value real, low real, high real, -- null: no data, no interval
        n integer, count integer,
        numerator real, denominator real,
        unit text not null,
        primary key (run_id, arm, metric)
) without rowid;
create table thresholds (
        id integer primary key,
        run_id integer not null references runs (id) on delete cascade,
        "check" text not null,
        observed real, low real, high real,
        unit text,
        outcome text not null
);
create index thresholds_by_run on thresholds (run_id);
