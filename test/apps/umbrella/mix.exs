defmodule Winery.MixProject do
  use Mix.Project

  def project do
    [
      apps_path: "apps",
      version: "1.0.0",
      deps: [],
      releases: [
        winery: [applications: [bar: :permanent]],
        storage: [applications: [cellar: :permanent]],
        bare: [applications: [cellar: :permanent], include_erts: false]
      ]
    ]
  end
end
