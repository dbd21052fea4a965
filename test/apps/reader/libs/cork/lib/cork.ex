defmodule Cork do
  @kind Application.compile_env(:cork, :kind, "natural")
  def kind, do: @kind
end
