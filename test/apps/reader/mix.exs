Code.require_file("lib/reader/version.ex")

defmodule Reader.MixProject do
  use Mix.Project

  @releases [{:evening, [applications: [reader: :permanent], steps: [:assemble, :tar]]}]

  def project do
    [
      app: :reader,
      version: Reader.Version.text(),
      deps: deps(),
      # releases: [reader: []],
      releases: @releases
    ]
  end

  defp deps, do: [{:cork, path: "libs/cork"}]
end
