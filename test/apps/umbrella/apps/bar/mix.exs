defmodule Bar.MixProject do
  use Mix.Project

  def project do
    [
      app: :bar,
      version: "1.0.0",
      build_path: "../../_build",
      config_path: "../../config/config.exs",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",
      deps: [{:cellar, in_umbrella: true}]
    ]
  end
end
