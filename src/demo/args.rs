//! Arguments of `meterbridge demo`, and those that `meterbridge serve` shares with it.

use std::net::SocketAddr;

use super::{DemoError, DemoOptions, Dialect, parse_speed, scenario::MAX_RUNS};

/// Open a simulated studio that any viewer can connect to
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct DemoArgs {
    /// Address and port to listen on; port 0 takes any free port
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8000",
        env = "METERBRIDGE_DEMO_LISTEN"
    )]
    pub listen: SocketAddr,

    #[command(flatten)]
    pub demo: DemoStudioArgs,
}

/// Options of the demo studio, shared by `demo` and `serve`.
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct DemoStudioArgs {
    /// The same seed gives the same songs, durations and failures
    #[arg(long, value_name = "NUMBER", default_value_t = 7, env = "METERBRIDGE_DEMO_SEED")]
    pub seed: u64,

    /// Speed compared with a real studio, 0.1 to 100; reported durations shrink accordingly
    #[arg(
        long,
        value_name = "FACTOR",
        default_value_t = 1.0,
        value_parser = parse_speed,
        env = "METERBRIDGE_DEMO_SPEED"
    )]
    pub speed: f64,

    /// Number of runs at the same time, 1 to 1000
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 6,
        value_parser = clap::value_parser!(u16).range(1..=MAX_RUNS as i64),
        env = "METERBRIDGE_DEMO_RUNS"
    )]
    pub runs: u16,

    /// Dialect of the events
    #[arg(long, value_enum, default_value_t, env = "METERBRIDGE_DEMO_DIALECT")]
    pub dialect: Dialect,

    /// Allow --listen on an address that other machines can reach
    #[arg(long, env = "METERBRIDGE_DEMO_ALLOW_REMOTE")]
    pub allow_remote: bool,
}

impl DemoStudioArgs {
    /// Converts the arguments to options of the studio.
    pub fn options(&self) -> DemoOptions {
        DemoOptions {
            seed: self.seed,
            runs: usize::from(self.runs),
            speed: self.speed,
            dialect: self.dialect,
            ..DemoOptions::default()
        }
    }

    /// Returns `listen` if it may be listened on.
    ///
    /// # Errors
    ///
    /// Fails when other machines could reach the address and `--allow-remote` was not given.
    pub fn checked(&self, listen: SocketAddr) -> Result<SocketAddr, DemoError> {
        if self.allow_remote || listen.ip().to_canonical().is_loopback() {
            Ok(listen)
        } else {
            Err(DemoError::RemoteNotAllowed { address: listen })
        }
    }

    /// Describes what plays, for the announcement: `seed 7, 6 runs at a time, 4 × speed`.
    pub fn playback_summary(&self) -> String {
        let Self { seed, runs, speed, .. } = self;
        let runs = if *runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
        format!("seed {seed}, {runs} at a time, {speed} × speed")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        demo: DemoArgs,
    }

    fn parse(args: &[&str]) -> Result<DemoArgs, clap::Error> {
        let args = std::iter::once("demo").chain(args.iter().copied());
        Cli::try_parse_from(args).map(|cli| cli.demo)
    }

    fn checked(args: &[&str]) -> Result<SocketAddr, DemoError> {
        let args = parse(args).unwrap();
        args.demo.checked(args.listen)
    }

    #[test]
    fn argument_defaults_match_option_defaults() {
        assert_eq!(parse(&[]).unwrap().demo.options(), DemoOptions::default());
    }

    #[test]
    fn out_of_range_values_are_rejected() {
        for args in [
            ["--speed", "0"],
            ["--speed", "NaN"],
            ["--speed", "101"],
            ["--runs", "0"],
            ["--runs", "1001"],
            ["--dialect", "latin"],
            ["--listen", "8000"],
        ] {
            assert!(parse(&args).is_err(), "{args:?}");
        }
        assert_eq!(parse(&["--speed", "0.5", "--runs", "1000"]).unwrap().demo.runs, 1000);
    }

    #[test]
    fn remote_addresses_need_allow_remote() {
        for listen in ["0.0.0.0:8000", "192.168.1.5:8000", "[::]:8000", "[::ffff:10.0.0.1]:1"] {
            let error = checked(&["--listen", listen]).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("--allow-remote"), "{error}");
            assert!(checked(&["--listen", listen, "--allow-remote"]).is_ok());
        }
        for listen in ["127.0.0.1:8000", "127.9.9.9:0", "[::1]:8000"] {
            assert!(checked(&["--listen", listen]).is_ok());
        }
    }
}
