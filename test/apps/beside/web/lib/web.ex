defmodule Web do
  def pour, do: "a glass of #{Shared.wine()}"
end
