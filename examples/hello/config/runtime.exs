import Config

# Read when the release starts, not when it is built: the same image runs everywhere.
config :hello, port: String.to_integer(System.get_env("PORT", "4000"))

if config_env() == :prod do
  System.get_env("SECRET_KEY_BASE") ||
    raise "SECRET_KEY_BASE is missing: Decanter makes one for every stack"
end

if config_env() == :test, do: config(:hello, port: 0)
